"""Many runners at once, and runners that are killed: nothing is lost, nothing is sent twice. D3 B2, contract §3."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import pytest

from acceptance.whatsapp.test_jobs__disrupted import done_and_sent_once
from fixtures.criterion import CheckError, Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.crowd import Crowd, Customer
    from fixtures.canary.kills import Killed
    from fixtures.canary.trials import Trial

SHOWN = 5
# where a runner can be when it is killed, in order -> how its message may end
SENT_ONCE = "sent once, and recorded"
ONCE_OR_UNKNOWN = "one request at most; recorded, or failed with the reason"
KILLED = {
    "while it is picked": SENT_ONCE,
    "picked": SENT_ONCE,
    "its conversation loaded": SENT_ONCE,
    "while the AI is asked": SENT_ONCE,
    "while its send is reserved": SENT_ONCE,
    "while Graph is asked": ONCE_OR_UNKNOWN,
    "after Graph accepted": ONCE_OR_UNKNOWN,
    "Graph has answered": ONCE_OR_UNKNOWN,
    "its log written": ONCE_OR_UNKNOWN,
    "its message written": ONCE_OR_UNKNOWN,
    "while it is ended": ONCE_OR_UNKNOWN,
    "recorded": SENT_ONCE,
}


def fates(customers: Collection[Customer]) -> list[Finding]:
    """What is wrong with what customers got, and with what the tables say of it: each kind with a few of them."""
    wrong = {
        # one that is not answered in time says nothing: Meta delivers it again, and the tables tell what came of it
        "answered 200": [c for c in customers if c.status not in (200, None)],
        "one INBOUND row and one job, done": [c for c in customers if c.stored is None or not c.stored.once_done],
        "one reply, to the customer's own words": [c for c in customers if not c.answered],
        "a SENT log and an OUTBOUND row of what Graph accepted": [c for c in customers if not c.agreed],
    }
    return [
        Finding(expected, told(each), f"{len(found)} of {len(customers)} customers: {each.text}")
        for expected, found in wrong.items()
        for each in found[:SHOWN]
    ]


def told(customer: Customer) -> str:
    """By Graph, and by the tables."""
    foreign = sum(customer.text not in request.body for request in customer.got)
    return (
        f"answered {customer.status or 'nothing'}; {len(customer.got)} requests that Graph accepted, "
        f"{foreign} of them with another customer's words; {customer.stored or 'no row at all'}"
    )


@criterion(
    "JOB-09",
    "several runners at once over many jobs: each is sent once, each ends done, none is failed after a send",
    severity="critical",
    effect="canary",
    sources=["D3 B2"],
    remedy="Pick jobs with FOR UPDATE SKIP LOCKED inside the transaction that marks them running; keep nothing of a "
    "job where another runner can reach it.",
    sends=12,
    needs=["graph", "ai"],
    writes=["12 inbound messages from the canary's phone, their jobs and replies"],
)
def test_runners_at_once(many_at_once: Mapping[str, Trial], evidence: Evidence) -> None:
    trials = evidence.examine(many_at_once.values(), "messages")
    findings = [finding for trial in trials for finding in done_and_sent_once(trial, evidence)]
    spans = [(trial.job.started_at, trial.job.completed_at) for trial in trials if trial.job]
    whole = [(begun, ended) for begun, ended in spans if begun and ended]
    together = sum(a[0] < b[1] and b[0] < a[1] for i, a in enumerate(whole) for b in whole[:i])
    judged_together(together, findings, evidence)


@criterion(
    "JOB-18",
    "sixty customers who write twenty at a time to two processes: no message is refused, each customer gets one reply, "
    "to their own words, and the tables say so",
    severity="critical",
    effect="disrupt",
    sources=["D3 B2"],
    remedy="Keep nothing of a message or a reply where another request or runner can reach it, drop no job however "
    "many wait, and pick jobs with FOR UPDATE SKIP LOCKED.",
    sends=60,
    needs=["graph", "ai"],
    writes=["two copies of web on a database of their own, 60 messages of as many senders to them"],
)
def test_a_crowd_of_customers(crowd: Crowd, evidence: Evidence) -> None:
    findings = fates(evidence.examine(crowd.customers, "customers"))
    got = sum(len(customer.got) for customer in crowd.customers)
    done = sum(customer.stored is not None and customer.stored.done for customer in crowd.customers)
    unanswered = sum(customer.status is None for customer in crowd.customers)
    evidence.record(
        "customers", graph_accepted=got, jobs_done=done, for_nobody=crowd.strangers, not_answered_in_time=unanswered
    )
    if crowd.strangers:
        findings.append(Finding("replies to those who wrote", f"{crowd.strangers} to nobody of them", "Graph API"))
    judged_together(crowd.together, findings, evidence)


def judged_together(pairs: int, findings: list[Finding], evidence: Evidence) -> None:
    """Judge, where at least two jobs were worked on at the same time. Raises CheckError where none were."""
    evidence.record("jobs worked on at the same time", pairs=pairs)
    if not findings and not pairs:
        raise CheckError("no two jobs were worked on at the same time, so nothing is shown about two runners")
    evidence.judge(findings)


@criterion(
    "JOB-10",
    "a runner killed at any stage between pick and record: before its request the message is sent once, after it Graph "
    "gets no second one, and the job ends with its outcome or the reason",
    severity="critical",
    effect="disrupt",
    sources=["D3 B2", "contract §3"],
    remedy="Commit a PENDING log before the send, and log, Message row and job together after it; on recovery send "
    "only what has no log, and fail the rest with 'outcome unknown'.",
    sends=12,
    needs=["graph", "ai"],
    writes=["a copy of web on a database of its own, 12 messages to it; it is killed with SIGKILL and started again"],
)
@pytest.mark.parametrize("stage", KILLED)
def test_runner_killed(stage: str, killed: Mapping[str, Killed], evidence: Evidence) -> None:
    trial = killed[stage]
    evidence.examine([trial], "messages")
    accepted, after = len(trial.accepted), trial.after
    evidence.record(
        stage,
        when_killed=str(trial.before or "no row"),
        recovered=str(after or "no row"),
        requests=len(trial.requests),
        accepted=accepted,
    )
    where = f"killed {stage}" if stage.startswith("while") else f"killed when: {stage}"
    ended = f"{after or 'no row'}; {len(trial.requests)} requests to Graph, {accepted} accepted"
    sent = [(request.message_id, request.body) for request in trial.accepted]
    recorded = after is not None and after.done and after.replies == sent and after.logged == [i for i, _ in sent]
    unknown = after is not None and after.state == "failed" and after.error and not after.logged and not after.replies
    findings = []
    if len(trial.requests) > 1:
        findings.append(Finding("1 request to Graph in all", f"{len(trial.requests)} requests", where))
    if not ((recorded and accepted == 1) or (unknown and KILLED[stage] == ONCE_OR_UNKNOWN)):
        findings.append(Finding(KILLED[stage], ended, where))
    evidence.judge(findings)
