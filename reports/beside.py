"""`python -m reports compare RUN RUN...`: how several runs judged the same cases, and what each of them cannot show."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from reports import jsonl
from reports.result import OUTCOMES
from reports.view import visible

MOST = len(ascii_uppercase)
SAME, OTHERWISE, NOTHING = 0, 1, 5
_DECIDED = {"passed": "passed", "failed": "failed", "waived": "failed"}  # a waiver owns a failure, and hides none
_WIDTH = 120
_HOST = "\0"  # stands for the name of a run's own host, so that what two runs say can be the same


@dataclass(frozen=True, slots=True)
class Judged:
    """One run: its record, and its results by criterion and case. `letter` names it in what is printed."""

    letter: str
    folder: Path
    run: Mapping[str, Any]
    results: Mapping[tuple[str, str], Mapping[str, Any]]

    def decided(self, key: tuple[str, str]) -> str:
        """Passed or failed; "" where this run tells neither."""
        return _DECIDED.get(self.outcome(key), "")

    def outcome(self, key: tuple[str, str]) -> str:
        """As it stands in the record; "" where it does not, as in a run that judged by other criteria."""
        return str(self.results[key]["outcome"]) if key in self.results else ""

    def said(self, key: tuple[str, str]) -> str:
        """What was found wrong, or why nothing was decided, in the same words for every host."""
        result = self.results.get(key, {"message": "", "findings": ()})
        found = "; ".join(
            f"{one['where']}: expected {one['expected']}, found {one['found']}" for one in result["findings"]
        )
        return (found or str(result["message"])).replace(str(self.run["host"]), _HOST)


def read(folders: Sequence[Path]) -> list[Judged]:
    """The runs in these folders. Raises ValueError, with the folder, where one is none."""
    found = []
    for letter, folder in zip(ascii_uppercase, folders, strict=False):
        try:
            run, results = jsonl.read(folder)
            by_case = {(str(one["id"]), str(one["case"])): one for one in results}
        except (OSError, LookupError, TypeError) as error:
            told = error.strerror if isinstance(error, OSError) else "its results are not what this suite writes"
            raise ValueError(f"{folder}: no run folder: {told}") from None
        found.append(Judged(letter, folder, run, by_case))
    return found


def otherwise(runs: Sequence[Judged]) -> Iterator[str]:
    """Each case that two runs decided differently, or found wrong for different reasons."""
    for key in _keys(runs):
        deciding = [run for run in runs if run.decided(key)]
        told = {run.letter: f"{run.decided(key)}" for run in deciding}
        if set(told.values()) == {"failed"}:
            told = {run.letter: f"failed, {run.said(key)}" for run in deciding}
        if len(set(told.values())) > 1:
            yield f"{_name(key)}: " + "; ".join(f"{letter} {what}" for letter, what in told.items())


def unshown(run: Judged, runs: Sequence[Judged]) -> dict[str, list[str]]:
    """What another of the runs decided and this one did not: ids by outcome and reason."""
    keys = [key for key in _keys(runs) if not run.decided(key) and any(other.decided(key) for other in runs)]
    return _by_reason(run, keys)


def shown_by_none(runs: Sequence[Judged]) -> dict[str, list[str]]:
    """What at least one run meant to decide and no run did, as the first that did not leave it out says why."""
    found: dict[str, list[str]] = {}
    for key in _keys(runs):
        tried = [run for run in runs if run.outcome(key) not in ("", "not_run", "not_applicable")]
        if tried and not any(run.decided(key) for run in runs):
            for reason, names in _by_reason(tried[0], [key]).items():
                found.setdefault(reason, []).extend(name for name in names if name not in found.get(reason, ()))
    return found


def _by_reason(run: Judged, keys: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in keys:
        outcome = (run.outcome(key) or "not there").replace("_", " ")
        names = found.setdefault(f"{outcome}: {run.said(key).replace(_HOST, str(run.run['host']))}", [])
        if key[0] not in names:
            names.append(key[0])
    return found


def show(folders: Sequence[Path]) -> tuple[int, str]:
    """What is to be printed, and the exit code: 0 the same, 1 not, 5 where no case was decided by two of them.

    Raises ValueError for a folder that is no run's.
    """
    runs = read(folders)
    lines = [f"{one.letter}: {one.run['target']}, {str(one.run['ended'])[:16].replace('T', ' ')} UTC" for one in runs]
    lines += ["", *_table(runs), ""]
    both = [key for key in _keys(runs) if sum(bool(run.decided(key)) for run in runs) > 1]
    differing = list(otherwise(runs))
    lines += [f"{len(both)} cases were decided by two of them or more, {len(differing)} not alike", *differing]
    for run in runs:
        if groups := unshown(run, runs):
            count = len({name for names in groups.values() for name in names})
            lines += ["", f"{run.letter} does not show {count} criteria, or not each case, that another one decided:"]
            lines += _told(groups)
    if groups := shown_by_none(runs):
        lines += ["", "Shown by none:", *_told(groups)]
    return (OTHERWISE if differing else SAME if both else NOTHING), "\n".join(map(visible, lines))


def _table(runs: Sequence[Judged]) -> Iterator[str]:
    counted = [Counter(map(run.outcome, run.results)) for run in runs]
    names = [name for name in OUTCOMES if any(count[name] for count in counted)]
    yield "cases  " + "  ".join(name.replace("_", " ") for name in names)
    for run, count in zip(runs, counted, strict=True):
        yield f"{run.letter:<5}  " + "  ".join(f"{count[name]:>{len(name)}}" for name in names)


def _told(groups: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for reason, names in groups.items():
        text = f"{' '.join(reason.split())}: {', '.join(names)}"
        yield textwrap.fill(text, _WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _keys(runs: Sequence[Judged]) -> list[tuple[str, str]]:
    """Every case that a run has a result of, in the order of the first and then of those after it."""
    return list(dict.fromkeys(key for run in runs for key in run.results))


def _name(key: tuple[str, str]) -> str:
    return f"{key[0]}[{key[1]}]" if key[1] else key[0]
