"""What kept proofs show: which criteria were seen to fail, by which faults, in which proofs of the same catalogue."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reports import jsonl

NAME = "proof.json"
_OPENED = 20  # proofs that are looked at, the newest first
_NAMED = 8  # criteria that are named in a sentence
_SEEN = "detected"
# a fault that could not be applied, was cut short, or belongs to another kind of host says nothing of its criteria
_SILENT = frozenset({"void", "elsewhere", "stayed_green"})

Verdicts = dict[str, dict[str, str]]  # criterion -> fault -> what the proof of the fault came out as


# a proof.json, and of the run that wrote it run_id, host, kind, ended and catalogue
Proof = tuple[Path, Mapping[str, Any]]


def kept(
    report_dir: Path, catalogue: str, claimed: Mapping[str, Sequence[str]], others: Iterable[Proof] = ()
) -> dict[str, Any]:
    """The proof status of a catalogue, from the proofs among the run folders, as it stands in a run's record.

    `catalogue`: its digest; proofs of another one show nothing. `claimed`: criterion id -> the faults that are made to
    turn it red; the newest verdict of each counts. `others`: proofs that lie elsewhere; they go before what is kept
    here of the same run. Keys: `told`, a sentence; `runs`, the proofs it rests on, the newest first, each with the
    SHA-256 of its proof.json; `seen`, criterion id -> faults that were seen to turn it red; `unseen`, criterion id ->
    why it does not count as proven. Proofs that cannot be read are passed over.
    """
    verdicts: Verdicts = {}
    runs: list[dict[str, str]] = []
    foreign: list[str] = []
    found = {run["run_id"]: (path, run) for path, run in (*_proofs(report_dir), *others)}
    for _, (path, run) in sorted(found.items(), reverse=True):
        if run.get("catalogue") != catalogue:
            foreign.append(run["run_id"])
            continue
        try:
            content = path.read_bytes()
            new = _verdicts(json.loads(content))
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue
        if _take(verdicts, new):
            named = {name: str(run[name]) for name in ("run_id", "host", "kind", "ended")}
            runs.append(named | {"sha256": hashlib.sha256(content).hexdigest()})
        if all(fault in verdicts.get(criterion, {}) for criterion in claimed for fault in claimed[criterion]):
            break
    seen: dict[str, list[str]] = {}
    unseen: dict[str, str] = {}
    for criterion, faults in claimed.items():
        came_out = verdicts.get(criterion, {})
        bad = "; ".join(f"{fault}: {verdict}" for fault, verdict in came_out.items() if verdict != _SEEN)
        shown = [fault for fault in faults if fault in came_out]
        if bad:
            unseen[criterion] = bad
        elif shown:
            seen[criterion] = shown
        else:
            unseen[criterion] = "no kept proof shows it" if faults else "no fault is made for it"
    told = _told(runs, seen, unseen) if runs else _nothing(foreign)
    return {"told": told, "runs": runs, "seen": seen, "unseen": unseen}


def _proofs(report_dir: Path) -> Iterator[Proof]:
    """Each kept proof, the newest first."""
    found = [path.parent for path in report_dir.glob(f"[0-9]*/{NAME}")]
    for folder in sorted(found, reverse=True)[:_OPENED]:
        try:
            run = jsonl.head(folder)
        except (OSError, ValueError):
            continue
        if run.get("purpose") == "proof":
            yield folder / NAME, run


def _verdicts(document: Mapping[str, Any]) -> Verdicts:
    """What a proof.json says of each criterion and fault."""
    found: Verdicts = {}
    for fault in document["faults"]:
        if fault["verdict"] not in _SILENT:
            for criterion in fault["criteria"]:
                found.setdefault(criterion, {})[fault["fault"]] = fault["verdict"]
    return found


def _take(verdicts: Verdicts, older: Verdicts) -> bool:
    """Add what is not known yet from a newer proof; whether there was anything."""
    before = sum(map(len, verdicts.values()))
    for criterion, faults in older.items():
        verdicts[criterion] = faults | verdicts.get(criterion, {})
    return sum(map(len, verdicts.values())) > before


def _told(runs: Sequence[Mapping[str, str]], seen: Mapping[str, Any], unseen: Mapping[str, Any]) -> str:
    hosts = ", ".join(sorted({run["host"] for run in runs}))
    newest = f"{runs[0]['run_id']} of {runs[0]['ended'][:10]}"
    told = f"{len(seen)} of {len(seen) + len(unseen)} criteria were seen to fail, on {hosts}; newest proof {newest}"
    names = sorted(unseen)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{told}; not proven: {', '.join(names[:_NAMED])}{more}" if names else told


def _nothing(foreign: Sequence[str]) -> str:
    if foreign:
        return f"nothing is proven of these criteria: the newest proof, {foreign[0]}, is of another catalogue"
    return "nothing is proven: no proof is kept among the run folders"
