"""The time line of a run: one lane for each area, one bar for each case that was judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reports.view import View, when

WIDTH, LANE, BAR = 1000.0, 22.0, 14.0
_THINNEST = 2.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One case. `label`: what it was, how it came out, how long it took."""

    x: float
    y: float
    width: float
    outcome: str
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Lanes from the top, by name; `ticks`: place and seconds since the run's start."""

    height: float
    lanes: tuple[str, ...]
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]


def timeline(seen: View) -> Timeline | None:
    """The drawing; None where nothing was judged at a known time."""
    judged = [result for result in seen.results if result["started"]]
    if not judged or seen.seconds <= 0:
        return None
    begun = when(seen.run["started"])
    names = list(dict.fromkeys((result["system"], result["area"]) for result in judged))
    scale = WIDTH / seen.seconds

    def bar(result: Mapping[str, Any]) -> Bar:
        at = (when(result["started"]) - begun).total_seconds()
        lane = names.index((result["system"], result["area"]))
        case = f"[{result['case']}]" if result["case"] else ""
        return Bar(
            x=round(min(WIDTH - _THINNEST, max(0.0, at * scale)), 1),
            y=lane * LANE + (LANE - BAR) / 2,
            width=round(max(_THINNEST, min(result["duration_s"], seen.seconds - at) * scale), 1),
            outcome=result["outcome"],
            label=f"{result['id']}{case}: {result['outcome']}, {result['duration_s']:.2f} s, after {at:.1f} s",
        )

    step = _step(seen.seconds)
    ticks = tuple(
        (round(number * step * scale, 1), f"{number * step:g} s") for number in range(int(seen.seconds / step) + 1)
    )
    return Timeline(len(names) * LANE, tuple(f"{s} {a}" for s, a in names), tuple(map(bar, judged)), ticks)


def _step(seconds: float) -> float:
    """A round distance between ticks that gives at most eight."""
    steps = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
    return next((step for step in steps if seconds / step <= 8), seconds)
