"""What earlier runs of the same host came out as, read from their folders: only the last few."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from statistics import median
from typing import Any

from reports import jsonl, view

LAST = 20  # runs that are looked at, the present one among them
OPENED = 200  # folders of other hosts or other purposes that are passed over, at most
_HOLDS = frozenset({"passed"})
_RED = frozenset({"failed", "error", "invalid"})
_JUDGED = _HOLDS | _RED | {"waived"}
_SLOWER, _SLOWER_S = 3.0, 1.0  # times the median, and at least so many seconds more


@dataclass(frozen=True, slots=True)
class Past:
    """One run: its record, and each criterion's outcome and duration (seconds)."""

    run: Mapping[str, Any]
    outcomes: Mapping[str, str]
    durations: Mapping[str, float]

    @classmethod
    def of(cls, seen: view.View) -> Past:
        """As the view of a run has it."""
        criteria = seen.criteria
        return cls(seen.run, {one.id: one.outcome for one in criteria}, {one.id: one.duration_s for one in criteria})

    @property
    def day(self) -> str:
        """When it ended, to the minute."""
        return str(self.run["ended"])[:16].replace("T", " ")


@dataclass(frozen=True, slots=True)
class Strip:
    """One criterion over the runs, the oldest first; "" where a run did not know it. `told`: what is worth a remark."""

    outcomes: tuple[str, ...]
    told: tuple[str, ...]


def recent(report_dir: Path, seen: view.View, last: int = LAST) -> list[Past]:
    """The last acceptance runs of the same host, the oldest first, `seen` at the end.

    Folders that cannot be read are passed over: an old record must not keep a new one from being written. So are the
    parts of a merged run, whose name comes after theirs: what was judged once counts once.
    """
    found: list[Past] = []
    merged = parts_of(seen.run)
    for name in _names(report_dir):
        if len(found) == last - 1:
            break
        if name >= seen.run["run_id"] or name in merged:
            continue
        past = _read(report_dir / name, seen.run["host"])
        if past is not None:
            found.append(past)
            merged |= parts_of(past.run)
    return [*reversed(found), Past.of(seen)]


def parts_of(run: Mapping[str, Any]) -> set[str]:
    """The ids of the runs that it was merged from."""
    return {part["run_id"] for part in run.get("parts", ())}


def newest(report_dir: Path, host: str) -> view.View | None:
    """The newest acceptance run of a host; None where none of the newest folders is one."""
    for name in _names(report_dir):
        try:
            if _counts(jsonl.head(report_dir / name), host):
                return view.of(*jsonl.read(report_dir / name))
        except (OSError, ValueError, LookupError):
            continue
    return None


def _names(report_dir: Path) -> list[str]:
    """The run folders that are looked at, the newest first."""
    return sorted((entry.name for entry in report_dir.iterdir() if entry.name[:1].isdigit()), reverse=True)[:OPENED]


def _counts(run: Mapping[str, Any], host: str) -> bool:
    return bool(run["host"] == host and run.get("purpose", "acceptance") == "acceptance")


def _read(folder: Path, host: str) -> Past | None:
    try:
        if not _counts(jsonl.head(folder), host):
            return None
        run, criteria = jsonl.brief(folder)
    except (OSError, ValueError, LookupError, TypeError):
        return None
    outcomes = {name: outcome for name, (outcome, _) in criteria.items()}
    return Past(run, outcomes, {name: seconds for name, (_, seconds) in criteria.items()})


def strip(runs: Sequence[Past], criterion: str) -> Strip:
    """How a criterion came out over the runs, and whether that is new, unsteady, slow, or not looked at any more."""
    outcomes = tuple(past.outcomes.get(criterion, "") for past in runs)
    return Strip(outcomes, tuple(filter(None, (part(runs, criterion, outcomes) for part in _REMARKS))))


def _red_since(runs: Sequence[Past], criterion: str, outcomes: Sequence[str]) -> str:
    if outcomes[-1] not in _RED:
        return ""
    judged = [(past, out) for past, out in zip(runs, outcomes, strict=True) if out in _JUDGED]
    streak = list(takewhile(lambda one: one[1] in _RED, reversed(judged)))
    first = streak[-1][0]
    if len(streak) == len(judged):
        return f"red in all {len(streak)} runs that are known" if len(streak) > 1 else ""
    return "red for the first time" if len(streak) == 1 else f"red since {first.day}, for {len(streak)} runs"


def _unsteady(runs: Sequence[Past], criterion: str, outcomes: Sequence[str]) -> str:
    """Green and red on the same target, which did not move in between."""
    by_target: dict[str, set[bool]] = {}
    for past, outcome in zip(runs, outcomes, strict=True):
        target = json.dumps(past.run.get("fingerprint") or {}, sort_keys=True)
        if outcome in _HOLDS | _RED and target != "{}":
            by_target.setdefault(target, set()).add(outcome in _HOLDS)
    return "flaky: green and red on the same target" if any(len(seen) == 2 for seen in by_target.values()) else ""


def _slower(runs: Sequence[Past], criterion: str, outcomes: Sequence[str]) -> str:
    usual = [
        past.durations[criterion]
        for past, outcome in zip(runs[:-1], outcomes[:-1], strict=True)
        if outcome in _HOLDS and criterion in past.durations
    ]
    now = runs[-1].durations.get(criterion, 0.0)
    if len(usual) < 3 or outcomes[-1] not in _HOLDS:
        return ""
    middle = median(usual)
    slow = now > _SLOWER * middle and now > middle + _SLOWER_S
    return f"slower than usual: {now:.1f} s instead of {middle:.1f} s" if slow else ""


def _unseen(runs: Sequence[Past], criterion: str, outcomes: Sequence[str]) -> str:
    before = [past for past, outcome in zip(runs, outcomes, strict=True) if outcome in _JUDGED]
    if outcomes[-1] not in ("unmeasured", "not_applicable") or not before:
        return ""
    return f"no longer measured: judged last on {before[-1].day}"


_REMARKS = (_red_since, _unsteady, _slower, _unseen)
