"""The file of a snapshot: one line that says what it is, one that holds it, both compressed; for its owner only."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reports import paths

FORMAT = "prosaas-acceptance snapshot"
VERSION = 1
MOST = 1 << 30  # bytes that are unpacked at most: a small file can hold a lot of nothing


class NotASnapshot(ValueError):
    """The file is missing, something else, or of a newer version: another one was meant."""


class Damaged(ValueError):
    """The file is a snapshot that was cut off or changed."""


def write(path: Path, document: Mapping[str, Any]) -> Path:
    """Write the file beside `path`, for nobody else to read; the caller puts it in its place. Raises OSError."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    head = {"format": FORMAT, "version": VERSION, "sha256": hashlib.sha256(body).hexdigest()}
    aside = paths.beside(path)
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(gzip.compress(json.dumps(head).encode() + b"\n" + body + b"\n", mtime=0))
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return aside


def read(path: Path) -> dict[str, Any]:
    """What was written. Raises NotASnapshot or Damaged, saying what is wrong with which file."""
    if why := paths.no_file(path):
        raise NotASnapshot(f"{path}: {why}")
    try:
        with gzip.open(path, "rb") as stream:
            text = stream.read(MOST)
    except gzip.BadGzipFile as error:
        if str(error).startswith("Not a gzipped file"):
            raise NotASnapshot(f"{path} is no snapshot: pytest acceptance --snapshot FILE makes one") from None
        raise Damaged(f"{path} is damaged: {error}") from None
    except (EOFError, zlib.error) as error:
        raise Damaged(f"{path} is damaged: {str(error).rstrip('.')}") from None
    except OSError as error:
        raise NotASnapshot(f"{path}: {paths.reason(error)}") from None
    first, _, body = text.partition(b"\n")
    head = _object(first)
    if head is None or head.get("format") != FORMAT:
        raise NotASnapshot(f"{path} is no snapshot: pytest acceptance --snapshot FILE makes one")
    if head.get("version") != VERSION:
        raise NotASnapshot(
            f"{path} is a snapshot of version {head.get('version')}, this suite reads version {VERSION}: "
            "judge it with the suite that made it, or one as new"
        )
    body = body.rstrip(b"\n")
    document = _object(body)
    if document is None or hashlib.sha256(body).hexdigest() != head.get("sha256"):
        raise Damaged(f"{path} was changed after it was written: its checksum is another")
    return document


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
