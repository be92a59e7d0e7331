"""The runs that are to become one: read, verified where they are signed, and whether they fit together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from reports import folder, jsonl, paths, signoff
from reports.result import EFFECTS, EXITS, OUTCOMES, Result, RunRecord

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_MOST_NAMED = 8
_GOOD = frozenset({"accepted", "nothing_selected"})
_RED = frozenset({"failed", "error", "invalid"})


class Misfit(Exception):
    """Parts that cannot be one run. Carries every reason found."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True)
class Part:
    """One run that goes into the merged one.

    `digest`: of its record (SHA-256, hex). `besides`: causes that its record does not tell, as exit code and text.
    """

    folder: Path
    run: RunRecord
    results: tuple[Result, ...]
    digest: str
    besides: tuple[tuple[int, str], ...] = ()

    def __str__(self) -> str:
        return str(self.folder)

    @property
    def signed(self) -> bool:
        return (self.folder / signoff.NAME).exists()

    def judged(self) -> dict[str, Result]:
        """Its results by criterion and case, without what it left out."""
        return {result.name: result for result in self.results if result.outcome != "not_run"}


def read(folders: Iterable[Path], key: Ed25519PublicKey | None, *, all_signed: bool = False) -> list[Part]:
    """The parts in these folders: each is the folder of a run, or a folder that has such folders in it.

    `key`: what signed parts were signed with; `all_signed`: unsigned ones are refused. A part that is given twice
    counts once, and so do the parts of a merged run that is given with all of them: of it only what it alone knows is
    taken, the causes besides. Raises Misfit with all that cannot be read or was changed since it was signed.
    """
    problems: list[str] = []
    parts: dict[str, Part] = {}
    wholes: list[Part] = []
    for given in folders:
        if why := paths.no_folder(given):
            problems.append(f"{given}: {why}")
            continue
        found = _runs_in(given)
        if not found:
            problems.append(f"{given}: no run folder (one with {jsonl.NAME} in it)")
        for path in found:
            try:
                part = _part(path)
            except (OSError, ValueError, TypeError) as error:
                problems.append(f"{path}: cannot be merged: {error}")
                continue
            if part.run.parts:
                wholes.append(part)
            elif parts.setdefault(part.run.run_id, part).digest != part.digest:
                problems.append(f"{path} and {parts[part.run.run_id]} both say that they are run {part.run.run_id}")
    for whole in wholes:
        problems += _apart(whole, parts)
    everything = [*parts.values(), *wholes]
    signed = [part for part in everything if part.signed]
    if key is None:
        problems += [f"{part} is signed: name the key to verify it with, --key PUB" for part in signed]
    else:
        problems += [f"{part}: {wrong}" for part in signed for wrong in signoff.altered(part.folder, key)]
    if signed or all_signed:
        problems += [f"{part} is not signed" for part in everything if part not in signed]
    if problems:
        raise Misfit(problems)
    return list(parts.values())


def _runs_in(given: Path) -> list[Path]:
    if (given / jsonl.NAME).is_file():
        return [given.resolve()]
    return sorted(path.parent for path in given.glob(f"*/{jsonl.NAME}") if path.parent.name[:1].isdigit())


def _part(path: Path) -> Part:
    """One part. Raises ValueError or TypeError where it is no record, or one that contradicts itself."""
    if path.parent.name == folder.PRIVATE:
        raise ValueError("a secret stands in it")
    read, rows = jsonl.read(path)
    run, results = RunRecord(**read), tuple(Result(**row) for row in rows)
    datetime.fromisoformat(run.started), datetime.fromisoformat(run.ended)
    if not run.catalogue:
        raise ValueError("it does not say by which criteria it was judged")
    if run.ceiling not in EFFECTS or EXITS.get(run.exit_code) != run.exit_name:
        raise ValueError(f"effects up to {run.ceiling!r}, exit {run.exit_code!r} ({run.exit_name!r})")
    hosts = run.host.split(",") if run.parts else [run.host]
    for result in results:
        if result.outcome not in OUTCOMES or result.effect not in EFFECTS or result.host not in hosts:
            raise ValueError(f"{result.name}: {result.outcome!r} on {result.host!r}, effect {result.effect!r}")
        if run.exit_name in _GOOD and result.outcome in _RED:
            raise ValueError(f"it ended as {run.exit_name}, and {result.name} came out as {result.outcome}")
    return Part(path, run, results, hashlib.sha256((path / jsonl.NAME).read_bytes()).hexdigest())


def _apart(whole: Part, parts: dict[str, Part]) -> list[str]:
    """Give the parts of a merged run the causes that only it tells; or why it is not made of these."""
    told = {str(of.get("run_id")): of for of in whole.run.parts}
    missing = [name for name, of in told.items() if name not in parts or parts[name].digest != of.get("sha256")]
    if missing:
        return [f"{whole}: it is merged already: give the runs that it was merged from ({listed(missing)})"]
    for name, of in told.items():
        besides = ((int(code), str(text)) for code, text in of.get("besides", ()))
        parts[name] = replace(parts[name], besides=tuple(dict.fromkeys((*parts[name].besides, *besides))))
    return []


def misfits(parts: Sequence[Part]) -> list[str]:
    """Why these parts are not one run; empty where they are."""
    problems = [
        f"{part} is a run for another purpose ({part.run.purpose}): it decides nothing"
        for part in parts
        if part.run.purpose != "acceptance"
    ]
    first = parts[0]
    problems += [
        f"{part} was judged by another catalogue of criteria than {first}"
        for part in parts[1:]
        if part.run.catalogue != first.run.catalogue
    ]
    for mine in by_host(parts).values():
        for one, other in combinations(mine, 2):
            problems += [f"{one} and {other}, both of {one.run.host}: {why}" for why in _unlike(one, other)]
    return problems


def _unlike(one: Part, other: Part) -> list[str]:
    """How two runs of one host contradict each other."""
    told = []
    if one.run.kind != other.run.kind:
        told.append(f"it is {one.run.kind} for the one, {other.run.kind} for the other")
    moved = _moved(one.run, other.run)
    if moved:
        told.append(f"they judged different deployments: {listed(moved)} differ")
    first, second = one.judged(), other.judged()
    told += [
        f"{name}: {first[name].outcome} for the one, {second[name].outcome} for the other"
        for name in first.keys() & second.keys()
        if first[name].outcome != second[name].outcome
    ]
    return sorted(told)


def _moved(one: RunRecord, other: RunRecord) -> list[str]:
    """What of two fingerprints differs, where both have looked at a system.

    A host that each run makes for itself has its own ports and builds its own images: there, the revision counts.
    """
    if one.provisioned and other.provisioned:
        revisions = one.versions.get("revision", ""), other.versions.get("revision", "")
        return ["revisions"] if revisions[0] != revisions[1] else []
    systems = {key.partition("/")[0] for key in one.fingerprint} & {key.partition("/")[0] for key in other.fingerprint}
    keys = {key for key in (*one.fingerprint, *other.fingerprint) if key.partition("/")[0] in systems}
    return sorted(key for key in keys if one.fingerprint.get(key) != other.fingerprint.get(key))


def by_host(parts: Iterable[Part]) -> dict[str, list[Part]]:
    """The parts of each host, in the order in which they come."""
    found: dict[str, list[Part]] = {}
    for part in parts:
        found.setdefault(part.run.host, []).append(part)
    return found


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many there are besides."""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
