"""Credentials elsewhere, another time zone. D3 B4, contract §2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from acceptance.whatsapp.test_jobs import NEAR
from acceptance.whatsapp.test_jobs__trouble import waited_between
from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.trials import Trial

ZONES = ("America/New_York", "Asia/Tokyo")
SETTING = "WHATSAPP_ACCESS_TOKEN"


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
    "the time zone of the database's sessions does not shift due times, neither a job's first nor that of a retry",
    severity="major",
    effect="disrupt",
    sources=["contract §2"],
    remedy="Write times from one clock in UTC; now() in a column without zone follows the session's time zone.",
    sends=4,
    needs=["graph", "ai"],
    writes=["4 inbound messages; sessions of the CRM's role in another time zone, for their duration"],
)
@pytest.mark.parametrize("case", [*ZONES, *(f"{zone}, tried again" for zone in ZONES)])
def test_time_zone(case: str, by_time_zone: Mapping[str, Trial], evidence: Evidence) -> None:
    trial = by_time_zone[case]
    findings = done_and_sent_once(trial, evidence) + waited_between(trial)
    due = trial.job.run_at if trial.job else None
    if due is None or abs(due - trial.delivery.delivered_at) > NEAR:
        findings.append(Finding(f"runAt near {trial.delivery.delivered_at:%H:%M:%S} UTC", f"runAt {due}", trial.where))
    evidence.judge(findings)
