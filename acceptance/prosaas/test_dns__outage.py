"""A name that does not resolve for a while is met with patience, and in few words: D2 Error Recovery."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.namelessness import Silence

DOCUMENTED = "30,60,120"
INTERVAL_S, WAITS_S = 0.5, (0.5, 1.0, 2.0)  # of the worker that is watched closely, by its ordinary settings
EARLY_S, LATE_S = 0.2, 4.0
TELLS_EVERY, TOLD = 5, 3


def failed_after(number: int) -> float:
    """Seconds from the first failed try to the `number`-th: the waits, and an interval after each series of tries."""
    series, tries = divmod(number - 1, 1 + len(WAITS_S))
    return series * (sum(WAITS_S) + INTERVAL_S) + [0.0, *accumulate(WAITS_S)][tries]


def closely(seen: Silence) -> list[Finding]:
    """What is wrong with the lines of the worker with short waits."""
    where = "worker, its database's name gone"
    warned = [told for told in seen.watched if told.level != "DEBUG"]
    quiet = [told for told in seen.watched if told.level == "DEBUG"]
    if not warned:
        return [Finding("one WARNING", "nothing", where)]
    findings = [Finding("one WARNING", f"{told.level}: {told.text}", where) for told in warned[1:4]]
    if (after := (warned[0].at - seen.since).total_seconds()) > INTERVAL_S + LATE_S:
        findings.append(Finding("a try at once", f"the first failed after {after:.1f} s", where))
    for count, told in enumerate(quiet[:TOLD], 1):
        due, came = failed_after(TELLS_EVERY * count), (told.at - warned[0].at).total_seconds()
        if not due - EARLY_S <= came <= due + LATE_S:
            expected = f"failure {TELLS_EVERY * count} told at DEBUG, after {due:g} s"
            findings.append(Finding(expected, f"after {came:.1f} s: {told.text}", where))
    if len(quiet) < TOLD:
        found = f"{len(quiet)} lines in {seen.watched_s:.0f} s"
        findings.append(Finding(f"every {TELLS_EVERY}th failure told at DEBUG", found, where))
    return findings


@criterion(
    "DNS-04",
    "database name unresolvable: the reminder scheduler tries at once, then after waits of 30, 60 and 120 s; in one "
    "outage one WARNING, then every 5th failure one DEBUG line and no other; it works again when the name resolves",
    severity="major",
    effect="disrupt",
    sources=["D2 Error Recovery"],
    remedy="In the reminder scheduler, wait REMINDER_BACKOFF_SECONDS (30,60,120) between tries, count the failures of "
    "one outage, warn of the first, tell every fifth at DEBUG, and let no exception end its thread.",
)
def test_the_scheduler_is_patient(nameless: Silence, evidence: Evidence) -> None:
    seen = nameless
    evidence.examine(["watched", "patient"], "workers")
    evidence.record(
        "outage",
        watched=[f"{(told.at - seen.since).total_seconds():.2f} s {told.level}" for told in seen.watched],
        patient=[f"{(told.at - seen.since).total_seconds():.2f} s {told.level}" for told in seen.patient],
        watched_s=round(seen.watched_s, 1),
        pushed_s=round(seen.pushed.seconds, 1),
    )
    findings = closely(seen)
    if (seen.defined or DOCUMENTED).replace(" ", "") != DOCUMENTED:
        findings.append(Finding(DOCUMENTED, repr(seen.defined), "worker: REMINDER_BACKOFF_SECONDS"))
    if [told.level for told in seen.patient] != ["WARNING"]:
        expected = f"one WARNING in {seen.watched_s:.0f} s, as the second try comes after 30 s"
        told = f"{len(seen.patient)} lines: {'; '.join(told.text for told in seen.patient[:3])}"
        findings.append(Finding(expected, told, "worker with its default waits"))
    if not seen.pushed.met:
        found = f"none within {seen.pushed.budget_s:g} s; {seen.states}"
        findings.append(Finding("a due reminder is pushed", found, "worker, the name back"))
    elif [told.level for told in seen.again] != ["WARNING"]:
        found = "; ".join(f"{told.level}: {told.text}" for told in seen.again[:3]) or "nothing"
        findings.append(Finding("one WARNING in the next outage", found, "worker, the name gone once more"))
    evidence.judge(findings)
