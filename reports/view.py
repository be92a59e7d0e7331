"""What a reader is shown of a run: results by area and criterion, the verdict in words, text that hides nothing."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reports.result import OUTCOMES

# the worst first: what a criterion of several cases came out as
WORST = ("failed", "error", "invalid", "unmeasured", "waived", "not_run", "passed", "not_applicable")
SEVERITIES = ("critical", "major", "minor")
UNDECIDED = ("error", "invalid", "unmeasured")
LONGEST_TEXT = 4000  # characters of one text in a report; the record has all of it
MOST_ENTRIES = 100  # of a case's evidence
ACCEPTED = "the run is accepted"  # what `unsaid` contradicts

# What could make a line look like another one: control characters, directions of writing, characters without a width.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)

# exit name of a run -> headline, tone (good, bad, open), sentence
_VERDICTS = {
    "accepted": ("Accepted", "good", "Every criterion that was judged holds."),
    "failed": ("Not accepted", "bad", "At least one criterion does not hold."),
    "residue": ("Not accepted", "bad", "Something was left behind, or a secret stands in the artefacts."),
    "undecided": ("Undecided", "open", "No criterion failed, but something could not be decided."),
    "nothing_selected": ("Nothing was judged", "open", "No criterion was selected."),
    "interrupted": ("Interrupted", "open", "The run was broken off before its end: it decides nothing."),
    "usage": ("No verdict", "open", "Command line, inventory or waivers are wrong."),
    "internal": ("No verdict", "open", "The suite itself failed."),
}

IN_PART = "This is a verdict on a part: none of the merged runs judged some criteria that one of them could have."


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision: headline, tone (good, bad, open), a sentence, and why, in the run's own words."""

    headline: str
    tone: str
    sentence: str
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion with its cases, as they stand in the record, the worst first: that one is its outcome."""

    id: str
    title: str
    system: str
    area: str
    severity: str
    effect: str
    remedy: str
    sources: tuple[str, ...]
    proven_by: tuple[str, ...]
    cases: tuple[Mapping[str, Any], ...]

    @property
    def outcome(self) -> str:
        return str(self.cases[0]["outcome"])

    @property
    def duration_s(self) -> float:
        return sum(float(case["duration_s"]) for case in self.cases)

    @property
    def reason(self) -> str:
        """The first line of why its worst case came out as it did."""
        return next(iter(str(self.cases[0]["message"]).splitlines()), "")


@dataclass(frozen=True, slots=True)
class Area:
    """The criteria of one area, the most severe first."""

    system: str
    name: str
    criteria: tuple[Criterion, ...]

    @property
    def counts(self) -> dict[str, int]:
        return counted(criterion.outcome for criterion in self.criteria)


@dataclass(frozen=True, slots=True)
class View:
    """A whole run. `run` and the cases as in results.jsonl, redacted already."""

    run: Mapping[str, Any]
    results: tuple[Mapping[str, Any], ...]
    areas: tuple[Area, ...]

    @property
    def criteria(self) -> list[Criterion]:
        return [criterion for area in self.areas for criterion in area.criteria]

    @property
    def counts(self) -> dict[str, int]:
        """How many results have each outcome, zeros left out."""
        return counted(result["outcome"] for result in self.results)

    @property
    def verdict(self) -> Verdict:
        name = self.run["exit_name"]
        headline, tone, sentence = _VERDICTS.get(name, ("No verdict", "open", f"The run ended as {name}."))
        if self.run.get("partial"):
            sentence += f" {IN_PART}"
        counts = self.counts
        unseen = sum(counts.get(outcome, 0) for outcome in ("unmeasured", "not_run"))
        if unseen:
            sentence += f" {unseen} of {len(self.results)} results were not judged or could not be measured."
        return Verdict(headline, tone, sentence, tuple(self.run["causes"]))

    @property
    def proof(self) -> Mapping[str, Any]:
        """What kept proofs show of the criteria (proofs.kept); a record of before knows nothing of them."""
        return self.run.get("proof") or {"told": "unknown", "runs": [], "seen": {}, "unseen": {}}

    @property
    def troubled(self) -> list[Criterion]:
        """What somebody must look at: all but passed, not run and not applicable; the worst, most severe first."""
        found = [one for one in self.criteria if one.outcome not in ("passed", "not_run", "not_applicable")]
        return sorted(found, key=lambda one: (WORST.index(one.outcome), SEVERITIES.index(one.severity), one.id))

    @property
    def left_out(self) -> list[tuple[str, str, int]]:
        """Outcome, reason and number of the criteria that were not judged."""
        told = Counter((one.outcome, one.reason) for one in self.criteria if one.outcome.startswith("not_"))
        return sorted((outcome, reason, number) for (outcome, reason), number in told.items())

    @property
    def seconds(self) -> float:
        """From the run's start to its end."""
        return (when(self.run["ended"]) - when(self.run["started"])).total_seconds()


def of(run: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> View:
    """Group the results of a run, in the order in which they come."""
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        grouped.setdefault(result["id"], []).append(result)
    areas: dict[tuple[str, str], list[Criterion]] = {}
    for cases in grouped.values():
        made = _criterion(cases)
        areas.setdefault((made.system, made.area), []).append(made)

    def rank(criterion: Criterion) -> int:
        return SEVERITIES.index(criterion.severity)

    return View(run, tuple(results), tuple(Area(*key, tuple(sorted(found, key=rank))) for key, found in areas.items()))


def _criterion(cases: Sequence[Mapping[str, Any]]) -> Criterion:
    first = cases[0]
    return Criterion(
        id=first["id"],
        title=first["title"],
        system=first["system"],
        area=first["area"],
        severity=first["severity"],
        effect=first["effect"],
        remedy=first["remedy"],
        sources=tuple(first["sources"]),
        proven_by=tuple(first.get("proven_by", ())),  # a record of before has none
        cases=tuple(sorted(cases, key=lambda case: WORST.index(case["outcome"]))),
    )


def counted(outcomes: Iterable[str]) -> dict[str, int]:
    """How often each outcome occurs, in the order of OUTCOMES, zeros left out."""
    found = Counter(outcomes)
    return {outcome: found[outcome] for outcome in OUTCOMES if found[outcome]}


def unsaid(run: Mapping[str, Any], results: Iterable[Mapping[str, Any]]) -> str:
    """Why the run was not accepted, where none of its results failed or was undecided; else empty.

    For formats that know nothing but results: their readers must not take such a run for a good one.
    """
    if run["exit_code"] == 0 or any(result["outcome"] in ("failed", "error", "invalid") for result in results):
        return ""
    return "; ".join(run["causes"]) or str(run["exit_name"])


def when(text: str) -> datetime:
    """A time of the record (ISO 8601 with its offset)."""
    return datetime.fromisoformat(text)


def visible(value: object, longest: int = LONGEST_TEXT) -> str:
    """A value as text that hides nothing: invisible characters by their numbers, cut after `longest` characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if len(text) > longest:
        text = f"{text[:longest]} … ({len(text) - longest} more characters: results.jsonl)"
    return _INVISIBLE.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def words(name: str) -> str:
    """An identifier as people write it: not_run is "not run"."""
    return name.replace("_", " ")
