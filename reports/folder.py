"""The run folder: written aside, scanned for secrets, and only then put in its place."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports import ctrf, enclosed, html, jsonl, junit, markdown, prometheus
from reports.redaction import Redactor, scan
from reports.result import Result, RunRecord

PRIVATE = "private"
WRITERS = (jsonl.write, junit.write, ctrf.write, prometheus.write, markdown.write, html.write)


@dataclass(frozen=True, slots=True)
class Written:
    """Where the artefacts are, and the files that held a secret (then the folder is the private one)."""

    folder: Path
    leaks: tuple[str, ...]


def write(
    report_dir: Path,
    run: RunRecord,
    results: Sequence[Result],
    secrets: Iterable[str],
    extra: Mapping[str, Any] | None = None,
    seal: Callable[[Path, Sequence[Path]], Path] | None = None,
    leaked: Callable[[Sequence[str]], RunRecord] | None = None,
    criteria: bytes | None = None,
) -> Written:
    """Write all artefacts of a run under `report_dir`; `extra`: file name -> JSON document.

    `criteria`: the text by which was judged. It is not scanned: who can read the run can read it in the checkout.

    `seal` gets the folder and its files when no secret was found in them, and writes one file more.

    A folder in which a known secret is found goes to `<report_dir>/private/` with mode 0600/0700, unsealed, and nothing
    is linked as the latest. `leaked` gets the names of the files that held one and gives the run as it ends then: this
    is what they say. Raises OSError when nothing can be written.
    """
    secrets = list(secrets)
    redactor = Redactor(secrets)
    report_dir.mkdir(parents=True, exist_ok=True)
    partial = _partial(report_dir, run.run_id)
    partial.mkdir(mode=0o700)
    try:
        rows = [redactor.value(result.as_dict()) for result in results]

        def told(record: RunRecord) -> list[Path]:
            head = redactor.value(record.as_dict())
            return [writer(partial, head, rows) for writer in WRITERS]

        files = told(run)
        for name, document in (extra or {}).items():
            path = partial / name
            path.write_text(json.dumps(redactor.value(document), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            files.append(path)
        leaks = scan(files, secrets)
        if criteria is not None:
            files.append(partial / enclosed.CRITERIA)
            files[-1].write_bytes(criteria)
        if seal is not None and not leaks:
            sealed = seal(partial, tuple(files))
            leaks = scan([sealed], secrets)
            if leaks:
                sealed.unlink()  # it says that the run ended otherwise
        if leaks:
            if leaked is not None:
                told(leaked(leaks))
            for file in files:
                file.chmod(0o600)
            private = report_dir / PRIVATE
            private.mkdir(exist_ok=True)
            private.chmod(0o700)
            final = private / run.run_id
        else:
            partial.chmod(0o755)
            final = report_dir / run.run_id
        partial.rename(final)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _link(report_dir, None if leaks else final)
    return Written(final, tuple(leaks))


def remove_partial(report_dir: Path, run_id: str) -> None:
    """Remove what a run was writing when its process was killed, if it was; what stays makes `write` fail."""
    shutil.rmtree(_partial(report_dir, run_id), ignore_errors=True)


def _partial(report_dir: Path, run_id: str) -> Path:
    """Where a run's folder is written before it is put in its place."""
    return report_dir / f".{run_id}.partial"


def _link(report_dir: Path, folder: Path | None) -> None:
    """Point `latest` at the folder, atomically; a file system without links goes without.

    Without a folder there is no latest run to show: the one before must not be taken for it.
    """
    if folder is None:
        if (report_dir / "latest").is_symlink():
            (report_dir / "latest").unlink()
        return
    aside = report_dir / f".latest.{os.getpid()}"
    with suppress(OSError):
        aside.symlink_to(folder.name)
        aside.replace(report_dir / "latest")
