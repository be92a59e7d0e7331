"""What a sign-off binds by its digest alone, copied beside it: the signed folder can be verified and read alone."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from reports import proofs
from reports.result import RunRecord

CRITERIA = "criteria.txt"  # its SHA-256 is the digest of the catalogue


def proofs_in(folder: Path, run: RunRecord) -> Iterator[proofs.Proof]:
    """The proofs that are enclosed in a signed run's folder."""
    for one in run.proof.get("runs", ()):
        path = folder / _proof(one)
        if path.is_file():
            yield path, {**one, "catalogue": run.catalogue}


def changed(folder: Path, run: RunRecord, report_dir: Path) -> list[Path]:
    """What a run rests on, in its folder or among the run folders, that is no longer what it was then."""
    named = {folder / name: digest for name, digest in bound(run.catalogue, run.proof).items()}
    named |= {report_dir / one["run_id"] / proofs.NAME: one["sha256"] for one in run.proof.get("runs", ())}
    return [path for path, digest in named.items() if path.is_file() and _digest(path) != digest]


def enclose(into: Path, report_dir: Path, proof: Mapping[str, Any], others: Iterable[proofs.Proof] = ()) -> list[Path]:
    """Copy into a run's folder the kept proofs that `proof` names, on which it rests; the new files.

    `proof`, `others`: see `proofs.kept`. Raises OSError. Nothing is scanned for secrets: all of it lies beside a run,
    where everybody can read it who can read the run.
    """
    files = []
    elsewhere = {run["run_id"]: path for path, run in others}
    for one in proof["runs"]:
        files.append(into / _proof(one))
        shutil.copyfile(elsewhere.get(one["run_id"], report_dir / one["run_id"] / proofs.NAME), files[-1])
    return files


def bound(catalogue: str, proof: Mapping[str, Any]) -> dict[str, str]:
    """What a run with this catalogue and this proof status rests on: name of the copy -> SHA-256 (hex)."""
    return {CRITERIA: catalogue} | {_proof(one): one["sha256"] for one in proof.get("runs", ())}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _proof(one: Mapping[str, str]) -> str:
    return f"proof-{one['run_id']}.json"
