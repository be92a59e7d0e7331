"""Several runs made one: the parts of a sharded run, the runs of several hosts, or both."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from reports import enclosed, folder, proofs, signoff
from reports.parts import Misfit, Part, by_host, listed, misfits
from reports.result import EFFECTS, EXITS, Result, RunRecord

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_UNDECIDED, _NOTHING = 6, 5

T = TypeVar("T")


def write(
    parts: Sequence[Part],
    report_dir: Path,
    key: Ed25519PrivateKey | None = None,
    *,
    partial: bool = False,
) -> tuple[Path, RunRecord]:
    """Merge the parts into a run folder below `report_dir`, signed where a key is given; its path and its record.

    `partial`: see `merged`. Raises Misfit where the parts do not fit or were merged there before, OSError
    where nothing can be written.
    """
    run, results = merged(parts, partial=partial)
    if (report_dir / run.run_id).exists():
        raise Misfit([f"{report_dir / run.run_id}: these parts have been merged already"])
    others = _proofs(parts, report_dir)
    run = replace(run, proof=proofs.kept(report_dir, run.catalogue, {one.id: one.proven_by for one in results}, others))

    def seal(made: Path, files: Sequence[Path]) -> Path:
        assert key is not None
        return signoff.sign(made, [*files, *enclosed.enclose(made, report_dir, run.proof, others)], key)

    texts = (part.folder / enclosed.CRITERIA for part in parts)  # a part that was cut short has none
    criteria = next((text.read_bytes() for text in texts if text.is_file()), None)
    return folder.write(report_dir, run, results, (), seal=seal if key else None, criteria=criteria).folder, run


def _proofs(parts: Sequence[Part], report_dir: Path) -> list[proofs.Proof]:
    """The proofs that lie in the parts' folders. Raises Misfit where one, or one here, is not what a part rests on."""
    problems: list[str] = []
    rests_on: dict[str, str] = {}
    for part in parts:
        problems += [
            f"{path} is not what {part} rests on" for path in enclosed.changed(part.folder, part.run, report_dir)
        ]
        for one in part.run.proof.get("runs", ()):
            if rests_on.setdefault(one["run_id"], one["sha256"]) != one["sha256"]:
                problems.append(f"{part} rests on another proof {one['run_id']} than a part before it")
    if problems:
        raise Misfit(problems)
    return [proof for part in parts for proof in enclosed.proofs_in(part.folder, part.run)]


def merged(parts: Sequence[Part], *, partial: bool = False) -> tuple[RunRecord, list[Result]]:
    """The record and the results of the whole. Raises Misfit where the parts do not fit.

    A criterion, or a case of one, that no part judged stays not run; where a part could have (its effect is within the
    ceiling), the whole is undecided, unless `partial`. Where there are several hosts, a case is named after its host.
    """
    problems = misfits(parts)
    if problems:
        raise Misfit(problems)
    hosts = by_host(parts)
    several = len(hosts) > 1
    results: list[Result] = []
    causes: list[tuple[int, str]] = []
    incomplete = False
    for host, mine in hosts.items():
        of_host, missing = _results(mine)
        results += [_of(host, result) for result in of_host] if several else of_host
        told = _causes(mine)
        incomplete |= bool(missing)
        if missing and not partial:
            told.append((_UNDECIDED, f"no part judged {listed(missing)}: is a part missing?"))
        causes += [(code, f"{host}: {text}" if several else text) for code, text in told]
    order = _distinct(result.id for result in results)
    results.sort(key=lambda result: order.index(result.id))
    return replace(_record(hosts, parts, causes), partial=partial and incomplete), results


def _of(host: str, result: Result) -> Result:
    return replace(result, case=f"{host}: {result.case}" if result.case else host)


def _results(parts: Sequence[Part]) -> tuple[list[Result], list[str]]:
    """The results of one host, and the criteria that a part could have judged and none did, or not in each case."""
    judged: dict[str, dict[str, Result]] = {}  # by criterion, then by case
    left_out: dict[str, dict[str, Result]] = {}
    highest = max(EFFECTS.index(part.run.ceiling) for part in parts)
    for part in parts:
        for result in part.results:
            kept = left_out if result.outcome == "not_run" else judged
            kept.setdefault(result.id, {}).setdefault(result.case, result)
    results: list[Result] = []
    missing: list[str] = []
    for key in _distinct(result.id for part in parts for result in part.results):
        cases = left_out.get(key, {})
        # a part that was broken off or chose among cases names them; one that left the criterion out knows none
        named = [one for case, one in cases.items() if case and case not in judged.get(key, {})]
        if key in judged:
            results += [*judged[key].values(), *named]
            missing += [key] if named else []
            continue
        nobodys = named or list(cases.values())
        effect = nobodys[0].effect
        above = EFFECTS.index(effect) > highest
        missing += [] if above else [key]
        for one in nobodys:
            why = f"no part judged it: {one.message}" if len(parts) > 1 else one.message
            if above:
                why = f"effect {effect} is above the ceiling of every part ({EFFECTS[highest]})"
            results.append(replace(one, message=why))
    return results, missing


def _causes(parts: Sequence[Part]) -> list[tuple[int, str]]:
    """Why the parts of one host ended as they did. One in which nothing was to judge is no cause beside others."""
    told = [part.run for part in parts if part.run.exit_code]
    if any(part.run.exit_code != _NOTHING for part in parts):
        told = [run for run in told if run.exit_code != _NOTHING]
    causes = [(run.exit_code, text) for run in told for text in run.causes or (run.exit_name,)]
    return _distinct([*causes, *(cause for part in parts for cause in part.besides)])


def _record(hosts: Mapping[str, Sequence[Part]], parts: Sequence[Part], causes: Sequence[tuple[int, str]]) -> RunRecord:
    several = len(hosts) > 1
    runs = [part.run for part in parts]
    code = next(code for code in EXITS if code in {0, *(code for code, _ in causes)})
    highest = max(runs, key=lambda run: EFFECTS.index(run.ceiling))

    def named(values: Callable[[RunRecord], Iterable[tuple[str, str]]]) -> dict[str, str]:
        """Of all runs; what several runs of one host say differently stands side by side."""
        found: dict[str, list[str]] = {}
        for run in runs:
            for name, value in values(run):
                found.setdefault(f"{run.host}: {name}" if several else name, []).append(value)
        return {name: ", ".join(_distinct(said)) for name, said in found.items()}

    ended = max(run.ended for run in runs)
    return RunRecord(
        run_id=_run_id(parts, ended),
        host=",".join(hosts),
        kind=", ".join(_distinct(run.kind for run in runs)),
        target=f"{', '.join(hosts)} ({len(hosts)} hosts); effects up to {highest.ceiling}"
        if several
        else highest.target,
        started=min(run.started for run in runs),
        ended=ended,
        ceiling=highest.ceiling,
        log_window_s=min(run.log_window_s for run in runs),
        exit_code=code,
        exit_name=EXITS[code],
        causes=tuple(text for _, text in causes),
        versions=named(lambda run: run.versions.items()),
        fingerprint=named(lambda run: run.fingerprint.items()),
        notes=tuple(_distinct(f"{run.host}: {note}" if several else note for run in runs for note in run.notes)),
        judged_by="; ".join(_distinct(run.judged_by for run in runs)),
        commit=", ".join(_distinct(run.commit for run in runs if run.commit)),
        provisioned=any(run.provisioned for run in runs),
        catalogue=runs[0].catalogue,
        queries={name: text for run in runs for name, text in run.queries.items()},
        waivers=tuple({tuple(sorted(waiver.items())): waiver for run in runs for waiver in run.waivers}.values()),
        parts=tuple(_told(part) for part in parts),
    )


def _told(part: Part) -> dict[str, Any]:
    """What the whole keeps of a part."""
    names = ("run_id", "host", "target", "started", "ended", "exit_code", "exit_name", "causes")
    return {name: getattr(part.run, name) for name in names} | {
        "signed": part.signed,
        "besides": part.besides,
        "sha256": part.digest,
    }


def _run_id(parts: Sequence[Part], ended: str) -> str:
    """The same for the same parts, and later than theirs: history takes them in the order of their names."""
    at = datetime.fromisoformat(ended) + timedelta(seconds=1)
    mark = hashlib.sha256("\n".join(sorted(part.run.run_id for part in parts)).encode()).hexdigest()[:6]
    return f"{at:%Y%m%dT%H%M%SZ}-{mark}"


def _distinct(values: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(values))
