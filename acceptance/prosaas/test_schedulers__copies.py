"""Schedulers of workers that are started for it: two replicas, and workers that may schedule nothing. D0a section 4."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acceptance.prosaas.reading import lines
from acceptance.prosaas.test_schedulers import SCHEDULERS
from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.scheduling import Workers

CLEANUP = "cleanup.completed"
TICKS = 3  # at least, before the number of ticks says anything
TOLERANCE = 1.25  # how many more there may be than the period allows: stamps are not exact
DISABLED = {"unset": None, "empty": "", "false": "'false'", "zero": "'0'"}


@criterion(
    "BGS-05",
    "with two replicas of the worker each tick is done once",
    severity="critical",
    effect="disrupt",
    sources=["D0a §4"],
    remedy="Let the replicas elect one that schedules: a key in Redis, set with NX and an expiry, renewed as it works.",
    writes=["two copies of the worker, on a database and a Redis number of their own, for a few ticks"],
)
def test_two_replicas_share_the_work(two_workers: Workers, evidence: Evidence) -> None:
    names = list(evidence.examine(two_workers.states, "replicas"))
    both = " and ".join(names)
    findings = [
        Finding("running (healthy)", state, name)
        for name, state in two_workers.states.items()
        if state != "running (healthy)"
    ]
    cleanups = two_workers.logs.matches(CLEANUP, names).all_kept
    by = {name: sum(match.service == name for match in cleanups) for name in names}
    evidence.record(CLEANUP, count=len(cleanups), by=by, period_s=two_workers.period_s)
    if len(cleanups) < TICKS:
        findings.append(Finding(f"at least {TICKS} cleanups", f"{len(cleanups)} cleanups", both))
    else:
        span_s = (cleanups[-1].at - cleanups[0].at).total_seconds()
        if len(cleanups) - 1 > span_s / two_workers.period_s * TOLERANCE:
            expected = f"one cleanup in {two_workers.period_s:g} s, each tick done once by one of {both}"
            findings += lines(cleanups, expected)
    evidence.judge(findings)


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
