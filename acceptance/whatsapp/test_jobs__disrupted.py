"""Many runners at once, credentials elsewhere, another time zone. D3 B2 and B4, contract §2."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import CheckError, Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.trials import Trial

SETTING = "WHATSAPP_ACCESS_TOKEN"
NEAR = timedelta(minutes=5)  # between this machine's clock and the deployment's, and no time zone's distance


def outcome(trial: Trial, evidence: Evidence) -> dict[str, int]:
    """What was sent for one message, by who tells of it."""
    counts = trial.counts
    job = trial.job
    evidence.examine([trial.delivery], "deliveries to the webhook")
    evidence.record(
        trial.name,
        job=job.id if job else None,
        state=job.state if job else "no job",
        attempts=job.attempts if job else 0,
        error=job.error if job else "",
        **{what.replace(" ", "_"): count for what, count in counts.items()},
    )
    return counts


def done_and_sent_once(trial: Trial, evidence: Evidence) -> list[Finding]:
    """The job is done, and one reply went out and is recorded."""
    counts = outcome(trial, evidence)
    found = f"{trial.job.state}, error {trial.job.error or 'none'}" if trial.job else "no job"
    findings = [] if trial.job and trial.job.state == "done" else [Finding("done", found, trial.where)]
    return findings + [Finding(f"1 {what}", f"{n} {what}", trial.where) for what, n in counts.items() if n != 1]


@criterion(
    "JOB-09",
    "several runners at once over many jobs: each is sent once, each ends done, none is failed after a send",
    severity="critical",
    effect="canary",
    sources=["D3 B2"],
    remedy="Pick jobs with FOR UPDATE SKIP LOCKED inside the transaction that marks them running.",
    sends=12,
    needs=["graph", "ai"],
    writes=["12 inbound messages from the canary's phone, their jobs and replies"],
)
def test_runners_at_once(many_at_once: Mapping[str, Trial], evidence: Evidence) -> None:
    trials = list(many_at_once.values())
    findings = [finding for trial in trials for finding in done_and_sent_once(trial, evidence)]
    spans = [
        (t.job.started_at, t.job.completed_at) for t in trials if t.job and t.job.started_at and t.job.completed_at
    ]
    together = sum(a[0] < b[1] and b[0] < a[1] for i, a in enumerate(spans) for b in spans[:i])
    evidence.record("jobs worked on at the same time", pairs=together)
    if not findings and not together:
        raise CheckError("no two jobs were worked on at the same time, so nothing is shown about two runners")
    evidence.judge(findings)


@criterion(
    "JOB-10",
    "a runner killed after Graph accepted: one request in all, the job ended with its outcome or the reason; killed "
    "before the request: sent once",
    severity="critical",
    effect="disrupt",
    sources=["D3 B2", "contract §3"],
    remedy="Commit a PENDING log before the send; on recovery send only what has none, and fail the rest with "
    "'outcome unknown'.",
    sends=2,
    needs=["graph", "ai"],
    writes=["2 inbound messages from the canary's phone; web is killed with SIGKILL and started again"],
)
@pytest.mark.parametrize("name", ["after Graph accepted", "before the request"])
def test_runner_killed(name: str, killed: Mapping[str, Trial], evidence: Evidence) -> None:
    trial = killed[name]
    if name == "before the request":
        evidence.judge(done_and_sent_once(trial, evidence))
        return
    outcome(trial, evidence)
    findings = []
    if len(trial.requests) != 1:
        findings.append(Finding("1 request to Graph", f"{len(trial.requests)} requests", trial.where))
    recorded = trial.job and (trial.job.state == "done" or (trial.job.state == "failed" and trial.job.error))
    if not recorded:
        found = f"{trial.job.state}, error {trial.job.error or 'none'}" if trial.job else "no job"
        findings.append(Finding("ended, with its outcome or the reason", found, trial.where))
    evidence.judge(findings)


@criterion(
    "JOB-11",
    "credentials for Graph: the environment first, then the enabled Integration row, else an error naming the setting",
    severity="major",
    effect="disrupt",
    sources=["D3 B4"],
    remedy="Read WHATSAPP_ACCESS_TOKEN and WHATSAPP_PHONE_NUMBER_ID first, and fail the job with their names where the "
    "Integration row does not help either.",
    sends=2,
    needs=["graph", "ai"],
    writes=["3 inbound messages; the Integration row whatsapp, and web without its credentials, for their duration"],
)
@pytest.mark.parametrize("name", ["environment and row", "row alone", "row disabled"])
def test_credentials(name: str, by_credentials: Mapping[str, Trial], evidence: Evidence) -> None:
    trial = by_credentials[name]
    if name != "row disabled":
        evidence.judge(done_and_sent_once(trial, evidence))
        return
    counts = outcome(trial, evidence)
    findings = [Finding(f"no {what}", f"{n} {what}", trial.where) for what, n in counts.items() if n]
    error = trial.job.error if trial.job else ""
    if trial.job is None or trial.job.state != "failed" or SETTING not in error:
        state = trial.job.state if trial.job else "no job"
        findings.append(Finding(f"failed, naming {SETTING}", f"{state}, error {error or 'none'}", trial.where))
    evidence.judge(findings)


@criterion(
    "JOB-15",
    "the time zone of the database's sessions does not shift due times",
    severity="major",
    effect="disrupt",
    sources=["contract §2"],
    remedy="Write times from one clock in UTC; now() in a column without zone follows the session's time zone.",
    sends=2,
    needs=["graph", "ai"],
    writes=["2 inbound messages; sessions of the CRM's role in another time zone, for their duration"],
)
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_time_zone(zone: str, by_time_zone: Mapping[str, Trial], evidence: Evidence) -> None:
    trial = by_time_zone[zone]
    findings = done_and_sent_once(trial, evidence)
    due = trial.job.run_at if trial.job else None
    if due is None or abs(due - trial.delivery.delivered_at) > NEAR:
        findings.append(Finding(f"runAt near {trial.delivery.delivered_at:%H:%M:%S} UTC", f"runAt {due}", trial.where))
    evidence.judge(findings)
