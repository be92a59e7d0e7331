"""The pipeline when others fail: Graph refuses, the AI is silent, a job comes twice, a person has taken over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.trials import Trial

# what Graph answers -> its own words, any of which the job's error must keep
REFUSALS = {
    "400": ("131009", "Parameter value is not valid"),
    "401": ("190", "Session has expired"),
    "403": ("does not have permission",),
}
PASSING = (
    "429, then well",
    "500, then well",
    "502 with HTML, then well",
    "reset, then well",
    "silence, then well",
)
# what Graph answers for ever -> its own words, as above; none where it does not answer
LASTING = {
    "500 for ever": ("131000", "An unknown error has occurred"),
    "429 for ever": ("130429", "Rate limit hit"),
    "reset for ever": (),
}
BACKOFF_S = (1.0, 2.0, 4.0)  # contract section 3
EARLY_S = 0.05  # between the runner's clock and Graph's
REASONS = {"assigned": r"assigned|person|human|agent", "duplicate": r"duplicate", "empty": r"empty"}


def pauses(trial: Trial) -> list[float]:
    """Seconds between one request to Graph and the next."""
    times = [request.at for request in trial.requests]
    return [(later - earlier).total_seconds() for earlier, later in pairwise(times)]


def record(trial: Trial, evidence: Evidence) -> None:
    """What happened to one message: tables and Graph side by side."""
    evidence.examine([trial.delivery], "deliveries to the webhook")
    evidence.record(
        trial.name,
        job=trial.job.id if trial.job else None,
        state=trial.job.state if trial.job else "no job",
        attempts=trial.job.attempts if trial.job else 0,
        error=trial.job.error if trial.job else "",
        graph=[request.answered for request in trial.requests],
        pauses_s=[round(pause, 2) for pause in pauses(trial)],
        accepted=len(trial.accepted),
        logs=[row.status for row in trial.logs],
        messages=len(trial.messages),
    )


def ended_as(state: str, trial: Trial) -> list[Finding]:
    """The job ended like this, and nothing else."""
    found = f"{trial.job.state}, error {trial.job.error or 'none'}" if trial.job else "no job"
    return [] if trial.job and trial.job.state == state else [Finding(state, found, trial.where)]


def nothing_sent(trial: Trial) -> list[Finding]:
    """Neither Graph nor the tables know of a reply."""
    return [Finding(f"no {what}", f"{count} {what}", trial.where) for what, count in trial.counts.items() if count]


def sent_once(trial: Trial) -> list[Finding]:
    """Graph accepted one request, and one log and one Message row tell of it."""
    return [Finding(f"1 {what}", f"{count} {what}", trial.where) for what, count in trial.counts.items() if count != 1]


def waited_between(trial: Trial) -> list[Finding]:
    """No attempt came sooner than its backoff."""
    return [
        Finding(f"attempt {number + 2} no sooner than {least:g} s after the last", f"{pause:.2f} s", trial.where)
        for number, (pause, least) in enumerate(zip(pauses(trial), BACKOFF_S, strict=False))
        if pause < least - EARLY_S
    ]


@criterion(
    "JOB-08",
    "Graph refuses (4xx): failed with Graph's words, nothing SENT; Graph fails (429, 5xx, reset, silence): tried again "
    "no sooner than the backoff, delivered once when it recovers, failed after maxAttempts when not",
    severity="critical",
    effect="canary",
    sources=["D3 B2", "contract §3"],
    remedy="Mark a job done only after Graph has accepted; retry 429, 5xx and transport errors with runAt = now + 1, "
    "2, 4 s; keep Graph's error on the job.",
    sends=11,
    needs=["graph", "ai"],
    writes=["11 inbound messages from the canary's phone, their jobs and replies"],
)
@pytest.mark.parametrize("name", [*REFUSALS, *PASSING, *LASTING])
def test_graph_fails(name: str, in_trouble: Mapping[str, Trial], evidence: Evidence) -> None:
    trial = in_trouble[name]
    record(trial, evidence)
    if name in PASSING:
        left = trial.job.error if trial.job and trial.job.state == "done" else ""
        findings = [Finding("done, and no error of an earlier attempt", f"error {left}", trial.where)] if left else []
        evidence.judge([*findings, *ended_as("done", trial), *sent_once(trial), *waited_between(trial)])
        return
    findings = [*ended_as("failed", trial), *nothing_sent(trial), *waited_between(trial)]
    findings += [
        Finding("FAILED, as its job", row.status, f"OutboundMessageLog {row.id}, {name}")
        for row in trial.logs
        if row.status.upper() == "PENDING"
    ]
    error = trial.job.error if trial.job else ""
    words = {**REFUSALS, **LASTING}[name]
    if not (any(word in error for word in words) if words else error):
        wanted = f"Graph's own error ({words[0]})" if words else "the reason"
        findings.append(Finding(wanted, error or "no error", trial.where))
    attempts = 1 if name in REFUSALS else trial.job.max_attempts if trial.job else 3
    if len(trial.requests) != attempts:
        findings.append(Finding(f"{attempts} requests to Graph", f"{len(trial.requests)} requests", trial.where))
    evidence.judge(findings)


@criterion(
    "JOB-12",
    "the AI fails or is absent: the fallback reply is sent and the job is done; an empty text is never sent",
    severity="major",
    effect="disrupt",
    sources=["contract §4"],
    remedy="Catch what the AI call can raise, send the fixed fallback reply instead, and never hand an empty body to "
    "the sender.",
    sends=5,
    needs=["graph", "ai"],
    writes=["5 inbound messages from the canary's phone; web runs once without DEEPSEEK_API_KEY"],
)
@pytest.mark.parametrize("name", ["AI 500", "AI reset", "AI silence", "AI empty", "AI absent"])
def test_ai_fails(name: str, without_ai: Mapping[str, Trial], evidence: Evidence) -> None:
    trial = without_ai[name]
    record(trial, evidence)
    findings = ended_as("done", trial)
    if trial.empty_sends:
        findings.append(Finding("no send with an empty text", f"{trial.empty_sends} with an empty text", trial.where))
    reason = trial.job.error if trial.job else ""
    # an empty answer may also end without a send, if the job says so
    if not (name == "AI empty" and re.search(REASONS["empty"], reason) and not trial.messages):
        findings += sent_once(trial)
        findings += [
            Finding("a fallback text", f"{len(row.body)} characters", f"Message {row.id}, {name}")
            for row in trial.messages
            if not row.body.strip()
        ]
    evidence.judge(findings)


@criterion(
    "JOB-16",
    "a job run again after its send was recorded is blocked as duplicate: done, no second send, no second Message row",
    severity="critical",
    effect="disrupt",
    sources=["D3 File Diffs 1"],
    remedy="Look for the SENT log of the trigger message before the send, and mark the job done as a duplicate.",
    sends=1,
    needs=["graph", "ai"],
    writes=["1 inbound message from the canary's phone; its job is queued a second time"],
)
def test_second_run_is_blocked(run_again: Trial, evidence: Evidence) -> None:
    record(run_again, evidence)
    blocked = [line for line in run_again.lines if "Duplicate outbound blocked" in line]
    evidence.record("log", blocked=len(blocked))
    findings = [*ended_as("done", run_again), *sent_once(run_again)]
    if len(blocked) != 1:
        findings.append(Finding("1 line 'Duplicate outbound blocked'", f"{len(blocked)} lines", run_again.where))
    evidence.judge(findings)


@criterion(
    "JOB-17",
    "a conversation assigned to a person gets no automatic reply, and the job ends with that reason",
    severity="minor",
    effect="disrupt",
    sources=["contract §3"],
    remedy="Check assignedUserId after the conversation is loaded, and write the reason to the job's error column.",
    sends=2,
    needs=["graph", "ai"],
    writes=["2 inbound messages from the canary's phone, the second while its conversation is assigned"],
)
def test_assigned_conversation_is_left_to_the_person(while_assigned: Trial, evidence: Evidence) -> None:
    record(while_assigned, evidence)
    findings = [*ended_as("done", while_assigned), *nothing_sent(while_assigned)]
    if while_assigned.requests and not while_assigned.accepted:
        findings.append(Finding("no request to Graph", f"{len(while_assigned.requests)}", while_assigned.where))
    reason = while_assigned.job.error if while_assigned.job else ""
    if not re.search(REASONS["assigned"], reason, re.IGNORECASE):
        findings.append(Finding("the reason: assigned to a person", reason or "no reason", while_assigned.where))
    evidence.judge(findings)
