"""The pipeline as a customer lives it: a message comes in, one reply goes out. D3 B, contract sections 2 to 4."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from fixtures.criterion import CheckError, Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.delivered import Delivered
    from fixtures.canary.delivery import GraphRequest

KEY = "a sha256 in hex"
NEAR = timedelta(minutes=5)  # between this machine's clock and the deployment's, and no time zone's distance
MANUAL = "GET /api/jobs/run-outbound by hand is no cure: find why neither cron nor the webhook's kick ran the job"


def text_of(body: str) -> str:
    """A message text as evidence may show it."""
    return f"{len(body)} characters, sha256 {hashlib.sha256(body.encode()).hexdigest()[:12]}"


def accepted(delivered: Delivered) -> list[GraphRequest]:
    """The requests for this delivery that Graph accepted."""
    return [request for request in delivered.graph_requests() if request.accepted]


@criterion(
    "JOB-01",
    "an inbound message's job is done within two minutes, with no manual trigger: completedAt set, no error",
    severity="critical",
    effect="canary",
    sources=["D3 Success Criteria", "D3 Post-Deployment 3", "D3 Post-Deployment 8"],
    remedy=f"{MANUAL}; see the cron's log ([CRON] job runner response) and the job's error column.",
    sends=1,
    needs=["graph"],
    writes=["1 inbound message from the canary's phone, its contact, conversation, job and reply"],
)
def test_inbound_message_is_answered_without_a_trigger(delivered: Delivered, evidence: Evidence) -> None:
    delivery, waited = delivered.delivery, delivered.waited
    evidence.examine([delivery], "deliveries to the webhook")
    job = waited.value
    evidence.record(
        "delivery",
        provider_message_id=delivery.provider_message_id,
        webhook=delivery.status,
        job=job.id if job else None,
        state=job.state if job else "no job",
        attempts=job.attempts if job else 0,
        seconds=round(waited.seconds, 1),
        readings=waited.attempts,
    )
    where = f"OutboundJob {job.id}" if job else f"OutboundJob of {delivery.provider_message_id}"
    findings = []
    if delivery.status != 200:
        findings.append(
            Finding("200 from the webhook", str(delivery.status or "no answer"), "POST /api/webhooks/whatsapp")
        )
    if job is None:
        findings.append(Finding("a job for the message", f"none; {waited}", where))
    elif job.state != "done":
        found = f"{job.state}, {job.attempts} attempts, error {job.error or 'none'}; waited {waited.seconds:.0f} s"
        findings.append(Finding(f"done within {waited.budget_s:.0f} s", found, where))
    elif job.completed_at is None or job.error:
        found = f"completedAt {job.completed_at}, error {job.error or 'none'}"
        findings.append(Finding("completedAt set and no error", found, where))
    elif abs(job.completed_at - delivery.delivered_at) > NEAR:
        near = f"completedAt near {delivery.delivered_at:%H:%M:%S} UTC"
        findings.append(Finding(near, f"completedAt {job.completed_at}", where))
    evidence.judge(findings)


@criterion(
    "JOB-02",
    "one OUTBOUND Message row: channel WhatsApp, status SENT, providerMessageId as Graph gave it, sentAt, body as sent",
    severity="critical",
    effect="canary",
    sources=["D3 B3", "D3 Post-Deployment 8"],
    remedy="sendWithIdempotency must write the Message row in the step that records the send; without it the inbox "
    "does not show the reply.",
    sends=1,
    needs=["graph"],
    writes=["the delivery of JOB-01"],
)
def test_reply_is_recorded_as_a_message(delivered: Delivered, evidence: Evidence) -> None:
    delivery = delivered.delivery
    sent = accepted(delivered)
    rows = delivery.outbound_messages()
    evidence.examine([delivery], "deliveries to the webhook")
    evidence.record("Message", rows=[row.id for row in rows], graph=[request.message_id for request in sent])
    where = f"Message, OUTBOUND, for {delivery.provider_message_id}"
    if len(rows) != 1 or not sent:
        found = f"{len(rows)} rows, {len(sent)} requests that Graph accepted"
        evidence.judge([Finding("1 row for 1 accepted request", found, where)])
    row, request = rows[0], sent[0]
    where = f"Message {row.id}"
    near = f"near {delivery.delivered_at:%H:%M:%S} UTC"
    expectations = [
        ("channel", "whatsapp", row.channel.lower()),
        ("status", "SENT", row.status),
        ("providerMessageId", request.message_id, row.provider_message_id),
        (
            "sentAt",
            near,
            near if row.sent_at and abs(row.sent_at - delivery.delivered_at) <= NEAR else str(row.sent_at),
        ),
        ("body", text_of(request.body), text_of(row.body)),
    ]
    evidence.judge(
        Finding(f"{column} {expected}", f"{column} {found}", where)
        for column, expected, found in expectations
        if expected != found
    )


@criterion(
    "JOB-03",
    "one OutboundMessageLog row for the message: status SENT, the providerMessageId that Graph gave, its dedupe key",
    severity="critical",
    effect="canary",
    sources=["D3 B3", "contract §3"],
    remedy="sendWithIdempotency must set the log to SENT with Graph's id in the step that records the send; the row is "
    "what keeps a second reply from being sent.",
    sends=1,
    needs=["graph"],
    writes=["the delivery of JOB-01"],
)
def test_send_is_logged_once(delivered: Delivered, evidence: Evidence) -> None:
    delivery = delivered.delivery
    sent = accepted(delivered)
    rows = delivery.log_rows()
    evidence.examine([delivery], "deliveries to the webhook")
    evidence.record("OutboundMessageLog", rows=[row.id for row in rows], graph=[request.message_id for request in sent])
    where = f"OutboundMessageLog of {delivery.provider_message_id}"
    if len(rows) != 1 or not sent:
        found = f"{len(rows)} rows, {len(sent)} requests that Graph accepted"
        evidence.judge([Finding("1 row for 1 accepted request", found, where)])
    row, where = rows[0], f"OutboundMessageLog {rows[0].id}"
    expectations = [
        ("status", "SENT", row.status.upper()),
        ("providerMessageId", sent[0].message_id, row.provider_message_id),
        (
            "outboundDedupeKey",
            KEY,
            KEY if re.fullmatch("[0-9a-f]{64}", row.dedupe_key) else row.dedupe_key or "not set",
        ),
    ]
    evidence.judge(
        Finding(f"{column} {expected}", f"{column} {found}", where)
        for column, expected, found in expectations
        if expected != found
    )


@criterion(
    "JOB-04",
    "the reply moves lastOutboundAt and lastMessageAt of its conversation, and of no other",
    severity="major",
    effect="canary",
    sources=["D3 B3"],
    remedy="Update both columns in the step that records the send: the inbox sorts by lastMessageAt.",
    sends=1,
    needs=["graph"],
    writes=["the delivery of JOB-01"],
)
def test_reply_moves_the_conversation(delivered: Delivered, evidence: Evidence) -> None:
    conversation, job = delivered.conversation, delivered.waited.value
    if conversation is None or job is None:
        raise CheckError(f"no conversation, or no job, for {delivered.delivery.provider_message_id}")
    inbound = evidence.examine(delivered.delivery.inbound(), "INBOUND Message rows")
    # both by the deployment's clock; the job was begun after the webhook had moved lastMessageAt for the last time
    floor = job.started_at.replace(tzinfo=None) if job.started_at else max(row["createdAt"] for row in inbound)
    times = {column: conversation[column] for column in ("lastOutboundAt", "lastMessageAt")}
    evidence.record("Conversation", id=conversation["id"], floor=str(floor), **{k: str(v) for k, v in times.items()})
    findings = [
        Finding(
            f"{column} after {floor}, and soon", f"{column} {at or 'not set'}", f"Conversation {conversation['id']}"
        )
        for column, at in times.items()
        if at is None or not floor <= at <= floor + NEAR
    ]
    findings += [
        Finding("its own conversation alone moved", "lastOutboundAt moved with it", f"Conversation {other}")
        for other in delivered.delivery.moved_alike()
    ]
    evidence.judge(findings)


@criterion(
    "JOB-06",
    "Graph received exactly one well-formed request, to the sender, with the right phone number id and token",
    severity="critical",
    effect="canary",
    sources=["D3 B4"],
    remedy="Check WHATSAPP_ACCESS_TOKEN and WHATSAPP_PHONE_NUMBER_ID of the deployment; for a second request, that a "
    "send is recorded before the job can be taken up again.",
    sends=1,
    needs=["graph"],
    writes=["the delivery of JOB-01"],
)
def test_graph_received_one_request(delivered: Delivered, evidence: Evidence) -> None:
    delivery = delivered.delivery
    requests = delivered.graph_requests()
    evidence.examine([delivery], "deliveries to the webhook")
    evidence.record(
        "Graph API",
        requests=[
            {"path": request.path, "answered": request.answered, "id": request.message_id} for request in requests
        ],
    )
    findings = []
    if len(requests) != 1:
        where = f"Graph API, for {delivery.provider_message_id}"
        findings.append(Finding("1 request", f"{len(requests)} requests", where))
    for request in requests:
        where = f"Graph API, POST {request.path}"
        if request.to != delivered.phone:
            findings.append(Finding(f"to the sender {delivered.phone}", f"to {request.to or 'nobody'}", where))
        if not request.phone_number_id_ok:
            findings.append(Finding("the phone number id that Graph knows", f"path {request.path}", where))
        if not request.token_ok:
            findings.append(Finding("the access token that Graph knows", "another token", where))
        if not request.well_formed:
            findings.append(Finding("a well-formed request", "; ".join(request.problems), where))
    evidence.judge(findings)
