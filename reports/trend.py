"""The last runs as a plot: one column for each, its criteria stacked by what they came out as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from reports.history import Past

STEP, COLUMN, HEIGHT = 44.0, 34.0, 120.0
_KINDS = (("passed", ("passed",)), ("unmeasured", ("unmeasured", "waived")), ("failed", ("failed", "error", "invalid")))

_TOLD = {"passed": "passed", "unmeasured": "waived or unmeasured", "failed": "failed or undecided"}


@dataclass(frozen=True, slots=True)
class Column:
    """One run: its place, its parts from the bottom as (kind, y, height), and the label of the whole."""

    x: float
    parts: tuple[tuple[str, float, float], ...]
    label: str


def columns(runs: Sequence[Past]) -> list[Column]:
    """The plot; what was not run or does not apply is left out of it."""
    counted = [Counter(past.outcomes.values()) for past in runs]
    sums = [[(kind, sum(counts[name] for name in names)) for kind, names in _KINDS] for counts in counted]
    highest = max((sum(number for _, number in parts) for parts in sums), default=0) or 1
    return [
        _column(place, past, parts, HEIGHT / highest)
        for place, (past, parts) in enumerate(zip(runs, sums, strict=True))
    ]


def _column(place: int, past: Past, parts: Sequence[tuple[str, int]], scale: float) -> Column:
    drawn = []
    y = HEIGHT
    for kind, number in parts:
        y -= number * scale
        drawn.append((kind, round(y, 1), round(number * scale, 1)))
    told = ", ".join(f"{number} {_TOLD[kind]}" for kind, number in parts if number)
    return Column(
        place * STEP, tuple(drawn), f"{past.day}: {past.run['exit_name'].replace('_', ' ')}; {told or 'nothing judged'}"
    )
