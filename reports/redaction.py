"""What may leave the process: known secrets are replaced before any writer, and every artefact is scanned."""

from __future__ import annotations

import base64
import gzip
import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import quote, quote_plus, unquote

from markupsafe import escape

SHORTEST_SECRET = 8
MASK = "[secret]"
_PHONE = re.compile(r"\+[1-9]\d{6,14}(?!\d)")
_URL_PASSWORD = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s:/@]*):([^\s@/]+)@")
# of a URL that is a secret, up to its first @ and up to its last: drivers differ where one has been left bare
_WITH_PASSWORD = re.compile(r"[\w.+-]+://[^\s:/?#@]*:(?=([^@]+)@)(.+)@")
_COUNTED = re.compile(r"\[\d+ characters\]")  # what stands for somebody's words
_PRIVATE_KEYS = frozenset({"body", "text", "fullname", "pushname", "contactname", "messagetext"})


def _base64_forms(secret: str) -> set[str]:
    """The parts of the base64 of a text that contains `secret` which do not depend on its neighbours."""
    forms = set()
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + secret.encode()).decode().rstrip("=")
        # the first and the last characters mix with what stands before and behind
        inner = encoded[(0, 2, 3)[lead] :]
        if (lead + len(secret.encode())) % 3:
            inner = inner[:-1]
        forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= SHORTEST_SECRET}


def expand(secrets: Iterable[str]) -> set[str]:
    """The secrets of 8 characters and more, with the passwords that stand inside URLs among them."""
    found = set()
    for secret in secrets:
        found.add(secret)
        if url := _WITH_PASSWORD.match(secret):
            found |= {form for password in url.groups() for form in (password, unquote(password))}
    # a service that was given our mask for a value keeps no secret by it
    return {secret for secret in found if len(secret) >= SHORTEST_SECRET and secret != MASK}


def forms(secrets: Iterable[str]) -> set[str]:
    """Every spelling of the secrets that is looked for: plain, URL-encoded, base64 in any position."""
    spelled = set()
    for secret in expand(secrets):
        spelled |= {secret, quote(secret, safe=""), quote_plus(secret)} | _base64_forms(secret)
        escaped = secret.encode("unicode_escape").decode()
        spelled |= {escaped, escaped.replace('"', '\\"')}
        spelled |= {str(escape(secret)), html.escape(secret), html.escape(secret, quote=False)}
    return spelled


class Redactor:
    """Replaces known secrets, passwords in URLs, phone numbers, and values under keys that hold people's words."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._forms = sorted(forms(secrets), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if self._forms else None

    def text(self, value: str) -> str:
        """`value` without secrets; phone numbers keep their first four and last two characters.

        Half of a surrogate pair, which no file in UTF-8 can hold, becomes a question mark.
        """
        value = value.encode("utf-8", "replace").decode("utf-8")
        if self._pattern is not None:
            value = self._pattern.sub(MASK, value)
        value = _URL_PASSWORD.sub(rf"\1:{MASK}@", value)
        return _PHONE.sub(lambda match: f"{match[0][:4]}…{match[0][-2:]}", value)

    def value(self, value: Any, key: str = "") -> Any:
        """`value` of any JSON shape, redacted throughout."""
        if isinstance(value, str):
            if key.lower().replace("_", "") in _PRIVATE_KEYS:
                return value if _COUNTED.fullmatch(value) else f"[{len(value)} characters]"
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(name)): self.value(inner, str(name)) for name, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(inner, key) for inner in value]
        if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
            return value  # infinity and "not a number" are none in JSON
        return self.text(str(value))


def scan(files: Sequence[Path], secrets: Iterable[str]) -> list[str]:
    """Names of the files that hold a known secret in any of its spellings, also compressed. Reads in blocks."""
    spelled = [form.encode() for form in forms(secrets)]
    longest = max(map(len, spelled), default=0)
    hits = []
    for file in files:
        with _opened(file) as stream:
            tail = b""
            while block := stream.read(1 << 20):
                window = tail + block
                bare = window.replace(b"\\", b"").replace(b"<!-- -->", b"")  # as Markdown is shown
                if any(form in window or form in bare for form in spelled):
                    hits.append(file.name)
                    break
                tail = window[-longest:] if longest else b""
    return hits


def _opened(file: Path) -> IO[bytes]:
    """What is in the file: unpacked, where it is compressed."""
    stream = file.open("rb")
    if stream.peek(2)[:2] != b"\x1f\x8b":
        return stream
    stream.close()
    return cast(IO[bytes], gzip.open(file, "rb"))
