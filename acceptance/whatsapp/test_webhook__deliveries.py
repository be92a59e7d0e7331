"""What the webhook makes of deliveries: repeated, odd, many at once, statuses, and its log. Contract section 1."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.delivered import Delivered
    from fixtures.canary.odd import Odd
    from fixtures.canary.webhook import Batch, Repeated
    from fixtures.canary.webhook_lines import WebhookLine

ROUTE = "POST /api/webhooks/whatsapp"
BROKEN = ("empty", "a word", "cut off", "a form", "not UTF-8", "nested without end")
ODD = (
    "[]",
    "null",
    "a number",
    "a text",
    "{}",
    "entry is null",
    "entry of numbers",
    "changes are null",
    "value is a text",
    "messages are null",
    "messages are an object",
    "message is null",
    "message of nobody",
    "sender is a number",
    "sender is no number",
    "statuses of numbers",
    "status of no message",
    "unknown status",
    "another field",
)
OVERSIZED, AFTER = "4 MB", "a message afterwards"
LATE_MS = 100  # a server's own time may be rounded, and is never longer than its caller's


@criterion(
    "WHK-04",
    "the same message delivered again, later or ten times at once, gives one job and one reply",
    severity="critical",
    effect="canary",
    sources=["D3 Success Criteria", "contract §3"],
    remedy="Let InboundMessageDedup's unique key decide in the transaction that stores message and job; answer 200 to "
    "what is known already, and end the row COMPLETED.",
    sends=2,
    needs=["graph"],
    writes=["2 inbound messages, delivered 2 and 10 times, their jobs and replies"],
)
@pytest.mark.parametrize("name", ["after the reply", "ten at once"])
def test_repeated_delivery_is_one_message(name: str, repeated: Mapping[str, Repeated], evidence: Evidence) -> None:
    found = repeated[name]
    answers = [answer.status if answer else None for answer in found.answers]
    counts = {
        "INBOUND Message": (1, found.inbound),
        "job": (1, len(found.jobs)),
        "request that Graph accepted": (1, found.accepted),
        "SENT log": (1, found.sent),
        "OUTBOUND Message": (1, found.shown),
    }
    evidence.examine(found.answers, "answers")
    evidence.record(
        name,
        answers=answers,
        dedup=list(found.dedup),
        **{what.replace(" ", "_"): count for what, (_, count) in counts.items()},
    )
    where = f"{found.delivery.provider_message_id}, delivered again {name}"
    findings = [Finding(f"1 {what}", str(count), where) for what, (wanted, count) in counts.items() if count != wanted]
    if any(status != 200 for status in answers):
        findings.append(Finding("200 to each", ", ".join(str(status or "no answer") for status in answers), where))
    findings += [Finding("done", job.state, f"OutboundJob {job.id}") for job in found.jobs if job.state != "done"]
    taken = sum(answer is not None and "enqueued" in answer.text for answer in found.answers)
    if taken != 1:
        findings.append(Finding("1 answer that a job was enqueued", f"{taken} of {len(found.answers)} answers", where))
    if [status.upper() for status in found.dedup] != ["COMPLETED"]:
        told = ", ".join(found.dedup) or "no row"
        findings.append(Finding("one dedup row, COMPLETED", told, f"InboundMessageDedup, {where}"))
    evidence.judge(findings)


@criterion(
    "WHK-05",
    "malformed, empty, oversized and unknown payloads get a 4xx or a documented 200, and break nothing",
    severity="major",
    effect="canary",
    sources=["contract §1"],
    remedy="Answer 400 to what is no JSON; read every member of a delivery as one that may be missing or of any type.",
    sends=1,
    writes=["26 bodies without a message, and 1 inbound message after them, its job and reply"],
)
@pytest.mark.parametrize("name", [*BROKEN, *ODD, OVERSIZED, AFTER])
def test_odd_payload_breaks_nothing(name: str, odd: Odd, evidence: Evidence) -> None:
    where = f"{ROUTE}, {name}"
    if name == AFTER:
        evidence.examine([odd.after], "deliveries to the webhook")
        state = f"{odd.job.state}, error {odd.job.error or 'none'}" if odd.job else "no job"
        evidence.record(name, webhook=odd.after.status, job=odd.job.id if odd.job else None, state=state)
        evidence.judge([] if odd.job and odd.job.state == "done" else [Finding("a job that is done", state, where)])
        return
    answer = odd.answers[name]
    status = answer.status if answer else None
    evidence.examine([name], "payloads")
    evidence.record(name, status=status)
    if answer is None:
        # a server may hang up on somebody who sends too much
        evidence.judge([] if name == OVERSIZED else [Finding("an answer", "no answer", where)])
        return
    refused = 400 <= answer.status < 500
    if name in BROKEN or name == OVERSIZED:
        evidence.judge([] if refused else [Finding("400", str(status), where)])
        return
    documented = answer.status == 200 and not answer.findings(200, success=True)
    evidence.judge([] if refused or documented else [Finding("a 4xx, or 200 with success: true", str(status), where)])


@criterion(
    "WHK-06",
    "every message of a delivery with several entries, changes and messages, of any kind, is stored, has its job, and "
    "is answered; the same words said twice are two messages",
    severity="critical",
    effect="canary",
    sources=["contract §1"],
    remedy="Go through every entry, change and message of the body, not the first of each and not texts alone; know a "
    "message again by its id, not by its words; compare the signature with that of the body as it came.",
    sends=8,
    writes=["8 inbound messages in one body (texts, files, a location), their jobs and replies"],
)
def test_every_message_of_a_batch_is_answered(batch: Batch, evidence: Evidence) -> None:
    messages = evidence.examine(batch.arrived, "messages")
    parts = {
        "stored as written": [one for one in messages if one.as_written],
        "with a job that is done": [one for one in messages if one.job and one.job.state == "done"],
        "with one reply that was sent": [one for one in messages if len(one.sent) == 1],
        "with one OUTBOUND row": [one for one in messages if one.shown == 1],
        "with one reply that Graph accepted": [one for one in messages if one.got in (1, None)],
    }
    counts = {what.replace(" ", "_"): len(found) for what, found in parts.items()}
    evidence.record("batch", webhook=batch.status, messages=len(messages), graph_accepted=batch.accepted, **counts)
    findings = [] if batch.status == 200 else [Finding("200", str(batch.status or "no answer"), f"{ROUTE}, a batch")]
    for what, found in parts.items():
        left = [one.kind for one in messages if one not in found]
        if left:
            counted = f"{len(found)} of {len(messages)}"
            findings.append(Finding(f"all {len(messages)} {what}", counted, f"{ROUTE}, without {'; '.join(left)}"))
    if batch.accepted is not None and batch.accepted > len(messages):
        expected = f"{len(messages)} requests that Graph accepted"
        findings.append(Finding(expected, f"{batch.accepted} requests", f"{ROUTE}, a batch of {len(messages)}"))
    evidence.judge(findings)


@criterion(
    "WHK-07",
    "what Meta tells of replies, of two at once too, reaches the Message row of each and no other: SENT, DELIVERED, "
    "READ, FAILED",
    severity="major",
    effect="canary",
    sources=["contract §1"],
    remedy="Look the id of every status up in Message.providerMessageId, direction OUTBOUND, and write it there.",
    sends=2,
    needs=["graph"],
    writes=["2 inbound messages, their jobs and replies; statuses of these replies"],
)
@pytest.mark.parametrize("status", ["sent", "delivered", "failed", "read"])
def test_status_reaches_the_message(
    status: str, statuses: Mapping[str, tuple[int | None, str]], evidence: Evidence
) -> None:
    answered, row = statuses[status]
    evidence.examine([status], "statuses")
    evidence.record(status, webhook=answered, message=row)
    where = f"Message, OUTBOUND, after status {status}"
    findings = [] if row.upper() == status.upper() else [Finding(status.upper(), row, where)]
    if answered != 200:
        findings.append(Finding("200 from the webhook", str(answered or "no answer"), where))
    evidence.judge(findings)


@criterion(
    "WHK-08",
    "INBOUND-ENTRY, Job enqueued and Kicked are logged for a new message with the requestId of the answer, and rightly",
    severity="minor",
    effect="canary",
    sources=["D3 Post-Deployment 4", "D3 C3"],
    remedy="Log the three lines in src/app/api/webhooks/whatsapp/route.ts with the requestId that the answer gives, "
    "the id of the job's row, wasDuplicate and the time it took in ms.",
    sends=1,
    writes=["the delivery of JOB-01"],
)
def test_webhook_logs_a_new_message(
    delivered: Delivered, webhook_lines: Sequence[WebhookLine], evidence: Evidence
) -> None:
    delivery, job, where = delivered.delivery, delivered.waited.value, "log of web"
    evidence.examine([delivery], "deliveries to the webhook")
    evidence.record("lines", request_id=delivery.request_id, lines=[line.stage for line in webhook_lines])
    findings = [] if delivery.request_id else [Finding("a requestId in the webhook's answer", "none", ROUTE)]
    for stage in ("INBOUND-ENTRY", "Job enqueued", "Kicked"):
        lines = [line for line in webhook_lines if line.stage == stage]
        if not lines:
            name = "Kicked job runner" if stage == "Kicked" else stage
            findings.append(Finding(f"the line '{name}'", "not logged", where))
        findings += [
            Finding(f"requestId {delivery.request_id}", line.text, f"{where}, {stage}")
            for line in lines
            if line.fields.get("requestId") != delivery.request_id
        ]
    for line in (line for line in webhook_lines if line.stage == "Job enqueued"):
        if job is None or line.fields.get("jobId") != str(job.id):
            findings.append(Finding(f"jobId {job.id if job else 'of a job'}", line.text, where))
        if line.fields.get("wasDuplicate") != "false":
            findings.append(Finding("wasDuplicate=false", line.text, where))
        elapsed = re.fullmatch(r"(\d+) ?ms", line.fields.get("elapsed", ""))
        longest = round((delivery.elapsed_s or 0) * 1000) + LATE_MS
        if elapsed is None or int(elapsed[1]) > longest:
            findings.append(Finding(f"elapsed in ms, {longest} at most", line.text, where))
    evidence.judge(findings)
