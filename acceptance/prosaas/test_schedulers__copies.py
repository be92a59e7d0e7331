"""Schedulers of workers that are started for it: two replicas, and workers that may schedule nothing. D0a section 4."""

from __future__ import annotations

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
TICKS = 3  # at least, before the number of ticks says anything
TOLERANCE = 1.25  # how many more there may be than the period allows: stamps are not exact
DISABLED = {"unset": None, "empty": "", "false": "'false'", "zero": "'0'"}


@criterion(
    "BGS-05",
    "with two replicas of the worker each tick is done once, and when the one that works is killed, the other goes on",
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
    findings = [
        Finding("running (healthy)", state, name)
        for name, state in workers.states.items()
        if state != "running (healthy)"
    ]
    cleanups = workers.logs.matches(CLEANUP, names).all_kept
    by = {name: sum(match.service == name for match in cleanups) for name in names}
    evidence.record(CLEANUP, count=len(cleanups), by=by, period_s=workers.period_s)
    if takeover is None:
        findings.append(Finding(f"at least {TICKS} cleanups", f"{len(cleanups)} cleanups", both))
        evidence.judge(findings)
        return
    parts = (
        [match for match in cleanups if match.at < takeover.at],
        [match for match in cleanups if match.at >= takeover.at],
    )
    for part, least in zip(parts, (TICKS, 1), strict=True):
        findings += once_a_period(part, least, workers.period_s, both)
    evidence.judge(findings + taken_over(takeover, evidence))


def once_a_period(cleanups: Sequence[Match], least: int, period_s: float, both: str) -> list[Finding]:
    """There are at least so many of them, and no more than the period allows."""
    if len(cleanups) < least:
        return [Finding(f"at least {least} cleanups", f"{len(cleanups)} cleanups", both)]
    span_s = (cleanups[-1].at - cleanups[0].at).total_seconds()
    if len(cleanups) - 1 <= max(span_s / period_s, 1) * TOLERANCE:
        return []
    return lines(cleanups, f"one cleanup in {period_s:g} s, each tick done once by one of {both}")


def taken_over(takeover: Takeover, evidence: Evidence) -> list[Finding]:
    """Each reminder was pushed, once: while both worked, by the survivor, and with the killed one at work again."""
    where = f"{takeover.survivor}, {takeover.killed} having been killed"
    evidence.record(
        where,
        pushed_after_s={when: round(waited.seconds, 1) for when, waited in takeover.pushed.items()},
        delivered=dict(takeover.delivered),
    )
    findings = []
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
    remedy='Start schedulers only where os.getenv("ENABLE_SCHEDULERS", "false") == "true", and log which way it went.',
    writes=["four copies of the worker, on a database and a Redis number of their own"],
)
@pytest.mark.parametrize("given", DISABLED)
def test_nothing_is_scheduled_unasked(given: str, workers_by_gate: Workers, evidence: Evidence) -> None:
    (state,) = evidence.examine([workers_by_gate.states[given]], "workers")
    where = f"worker with ENABLE_SCHEDULERS {DISABLED[given] or given}"
    findings = [] if state == "running (healthy)" else [Finding("running (healthy)", state, where)]
    logs = workers_by_gate.logs
    said, contrary = logs.matches("gate.disabled", given), logs.matches("gate.enabled", given)
    started = logs.matches((*SCHEDULERS, CLEANUP), given)
    evidence.record(where, state=state, said=said.count, contrary=contrary.count, started=started.count)
    if not said:
        findings.append(Finding("Schedulers DISABLED", "says no such thing", where))
    findings += [Finding("no scheduler is started", match.text, where) for match in (*contrary.first, *started.first)]
    evidence.judge(findings)
