"""Schedulers of workers that are started for it: two replicas, and workers that may schedule nothing. D0a section 4."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from acceptance.prosaas.reading import lines
from acceptance.prosaas.test_schedulers import SCHEDULERS
from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixtures.canary.scheduling import Takeover, Workers
    from fixtures.facts.logs import Match

CLEANUP = "cleanup.completed"
HEALTHY = "running (healthy)"
TICKS = 3  # at least, before the number of ticks says anything
TOLERANCE = 1.25  # how many more there may be than the period allows: stamps are not exact
DISABLED = {"unset": None, "empty": "", "false": "'false'", "zero": "'0'"}


@criterion(
    "BGS-05",
    "with two replicas of the worker each tick is done once, and when the one that works is killed, the other goes on, "
    "and the killed one comes up again",
    severity="critical",
    effect="disrupt",
    sources=["D0a §4"],
    remedy="Let the replicas elect one that schedules: a key in Redis, set with NX and an expiry, renewed as it works; "
    "keep what was done where the next one finds it.",
    needs=["push"],
    writes=["two copies of the worker, on a database and a Redis number of their own, of which one is killed"],
)
def test_two_replicas_share_the_work(two_workers: tuple[Workers, Takeover | None], evidence: Evidence) -> None:
    workers, takeover = two_workers
    names = list(evidence.examine(workers.states, "replicas"))
    both = " and ".join(names)
    findings = [Finding(HEALTHY, state, name) for name, state in workers.states.items() if state != HEALTHY]
    cleanups = workers.logs.matches(CLEANUP, names).all_kept
    by = {name: sum(match.service == name for match in cleanups) for name in names}
    evidence.record(CLEANUP, count=len(cleanups), by=by, period_s=workers.period_s)
    if takeover is None:
        findings.append(Finding(f"at least {TICKS} cleanups", f"{len(cleanups)} cleanups", both))
        evidence.judge(findings)
        return
    parts = {
        "before the kill": [match for match in cleanups if match.at < takeover.at],
        "after the kill": [match for match in cleanups if match.at >= takeover.at],
    }
    for when, part in parts.items():
        findings += once_a_period(part, when, workers.period_s, both)
    evidence.judge(findings + taken_over(takeover, evidence))


def once_a_period(cleanups: Sequence[Match], when: str, period_s: float, both: str) -> list[Finding]:
    """There are at least TICKS of them, no more than the period allows, and none of them right after another's.

    A first one that is late makes those after it seem to come early: too many are too many without it as well.
    """
    if len(cleanups) < TICKS:
        return [Finding(f"at least {TICKS} cleanups {when}", f"{len(cleanups)} cleanups", both)]
    repeated = any(
        sooner.service != later.service and (later.at - sooner.at).total_seconds() < period_s / 2
        for sooner, later in pairwise(cleanups)
    )
    if repeated or (too_many(cleanups, period_s) and too_many(cleanups[1:], period_s)):
        return lines(cleanups, f"one cleanup in {period_s:g} s by one of {both}, each tick done once {when}")
    return []


def too_many(cleanups: Sequence[Match], period_s: float) -> bool:
    """In the time from the first to the last of them."""
    span_s = (cleanups[-1].at - cleanups[0].at).total_seconds()
    return len(cleanups) - 1 > max(span_s / period_s, 1) * TOLERANCE


def taken_over(takeover: Takeover, evidence: Evidence) -> list[Finding]:
    """Each reminder was pushed, once: while both worked, by the survivor, and with the killed one at work again."""
    where = f"{takeover.survivor}, {takeover.killed} having been killed"
    evidence.record(
        where,
        pushed_after_s={when: round(waited.seconds, 1) for when, waited in takeover.pushed.items()},
        delivered=dict(takeover.delivered),
        up_again=str(takeover.up_again or "not started again"),
    )
    findings = []
    if takeover.up_again is not None and not takeover.up_again.met:
        expected = f"healthy within {takeover.up_again.budget_s:g} s when it was started again after SIGKILL"
        findings.append(Finding(expected, takeover.up_again.value, takeover.killed))
    for when, waited in takeover.pushed.items():
        delivered = takeover.delivered[when]
        if not waited.met:
            expected = f"the reminder due {when} pushed within {waited.budget_s:g} s"
            findings.append(Finding(expected, "scheduled work does not go on", where))
        elif delivered != 1:
            findings.append(Finding(f"the reminder due {when} pushed once", f"pushed {delivered} times", where))
    return findings


@criterion(
    "BGS-08",
    "ENABLE_SCHEDULERS unset, empty, 'false' or '0' starts no scheduler, and says DISABLED",
    severity="major",
    effect="disrupt",
    sources=["D0a §4"],
    remedy="Start schedulers only where the variable ENABLE_SCHEDULERS, 'false' by default, equals 'true', and log "
    "which way it went.",
    writes=["four copies of the worker, on a database and a Redis number of their own"],
)
@pytest.mark.parametrize("given", DISABLED)
def test_nothing_is_scheduled_unasked(given: str, workers_by_gate: Workers, evidence: Evidence) -> None:
    (state,) = evidence.examine([workers_by_gate.states[given]], "workers")
    where = f"worker with ENABLE_SCHEDULERS {DISABLED[given] or given}"
    findings = [] if state == HEALTHY else [Finding(HEALTHY, state, where)]
    logs = workers_by_gate.logs
    said, contrary = logs.matches("gate.disabled", given), logs.matches("gate.enabled", given)
    started = logs.matches((*SCHEDULERS, CLEANUP), given)
    evidence.record(where, state=state, said=said.count, contrary=contrary.count, started=started.count)
    if not said:
        findings.append(Finding("Schedulers DISABLED", "says no such thing", where))
    findings += [Finding("no scheduler is started", match.text, where) for match in (*contrary.first, *started.first)]
    evidence.judge(findings)
