"""What the CRM's tables may never say about automatic messages, whenever they are read. Contract section 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import Evidence, Finding, Unmeasured, criterion

if TYPE_CHECKING:
    from fixtures.facts.at_rest import AtRest

# what is read -> what should be there instead
CONTRADICTIONS = {
    "done_without_send": "a job that is done has a SENT log, or says why nothing was sent",
    "sent_without_done": "a SENT log has a job that is done",
    "sent_not_recorded_once": "a SENT log, and no other, has one OUTBOUND Message with its providerMessageId",
    "failed_after_send": "a failed job has no SENT log",
    "answered_twice": "one inbound message has one job and one send at most",
    "inbound_without_job": "every INBOUND message of an unassigned conversation has a job",
}
STUCK = {
    "overdue": "no job due for more than 2 minutes",
    "running": "no job running for more than 5 minutes",
    "pending_log": "no log PENDING for more than 5 minutes",
    "processing_dedup": "no dedup row PROCESSING for more than 5 minutes",
}
FOUND = {
    "done_without_send": "done, no SENT log",
    "inbound_without_job": "no job",
}


def judge(name: str, expected: str, at_rest: AtRest, evidence: Evidence) -> None:
    """One invariant over everything that was read: a finding for each violation, with its ids."""
    rows = {what: count for what, count in at_rest.looked_at.items() if count}
    if not rows:
        raise Unmeasured(
            "there is no automatic message in this database", "judge again once customers have written to it"
        )
    evidence.examine(range(sum(rows.values())), "rows")
    violations = at_rest.found[name]
    evidence.record(name, **rows, violations=violations.total)
    of = f" (one of {violations.total})" if violations.total > 1 else ""
    evidence.judge(
        Finding(expected, ", ".join(filter(None, (FOUND.get(name), each.detail))) + of, each.where or each.detail)
        for each in violations.first
    )


@criterion(
    "JOB-13",
    "at rest the tables agree about every automatic message: jobs, logs and messages tell the same, nothing is twice",
    severity="critical",
    effect="observe",
    sources=["contract §3"],
    remedy="Look at the rows that are named. Record log, Message row and job in one transaction after Graph has "
    "accepted, and find out which version of the runner wrote them otherwise.",
)
@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_tables_agree_at_rest(name: str, at_rest: AtRest, evidence: Evidence) -> None:
    judge(name, CONTRADICTIONS[name], at_rest, evidence)


@criterion(
    "JOB-14",
    "nothing is stuck: no job due for over 2 minutes or running for over 5, no log PENDING, no dedup row PROCESSING",
    severity="critical",
    effect="observe",
    sources=["D3 Success Criteria"],
    remedy="See whether the cron runs and what the runner answers it; a job that runs for ever was its runner's last: "
    "check that JOB_RECOVERY_SECONDS is set and the recovery works.",
)
@pytest.mark.parametrize("name", STUCK)
def test_nothing_is_stuck(name: str, at_rest: AtRest, evidence: Evidence) -> None:
    judge(name, STUCK[name], at_rest, evidence)
