"""The webhook of the WhatsApp bridge: who may deliver, and what becomes of each message. Contract section 7."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.chat import Heard
    from fixtures.canary.chat_trials import Open, Refused

WEBHOOK = "POST /api/whatsapp/webhook/incoming"
WRONG = ("no header", "empty", "another", "shortened", "lengthened", "other case", "as a bearer")
MISSING = re.compile(r"INTERNAL_SECRET\b.*\b(?:not (?:set|configured|defined)|missing|unset|empty|required)", re.I)
# how often it is delivered -> how many distinct messages that are
DELIVERIES = {"two in one second": 2, "one after the other": 2, "delivered twice": 1, "delivered at once": 1}


@criterion(
    "WAB-01",
    "bridge webhook: 401 without and with a wrong secret; nothing is stored",
    severity="critical",
    effect="probe",
    sources=["contract §7"],
    remedy="Compare X-Internal-Secret with INTERNAL_SECRET by hmac.compare_digest before the body is read; else 401.",
    needs=["bridge"],
    requests=[f"{WEBHOOK} with seven wrong secrets or none, one message each"],
)
@pytest.mark.parametrize("name", WRONG)
def test_nobody_else_delivers(name: str, unauthorised: Mapping[str, Refused], evidence: Evidence) -> None:
    refused = unauthorised[name]
    evidence.examine([refused], "requests with a wrong secret")
    evidence.record(name, status=refused.status, rows=refused.rows, replies=refused.replies)
    where = f"{WEBHOOK}, X-Internal-Secret: {name}"
    findings = [Finding("401", str(refused.status), where)] if refused.status != 401 else []
    if refused.rows:
        findings.append(Finding("nothing stored", f"{refused.rows} rows of whatsapp_message", where))
    if refused.replies:
        findings.append(Finding("no reply", f"{refused.replies} replies at the bridge", where))
    evidence.judge(findings)


@criterion(
    "WAB-02",
    "every distinct inbound message becomes one row and one reply, in a conversation",
    severity="critical",
    effect="canary",
    sources=["contract §7"],
    remedy="Open a conversation for the number; insert into whatsapp_message ON CONFLICT (business_id, "
    "provider_message_id) DO NOTHING, and reply only where a row was inserted; tell messages apart by WhatsApp's id "
    "alone, never by text, number or second.",
    sends=6,
    needs=["bridge"],
    writes=["6 messages from the canary's number, the replies to them and their conversation"],
)
@pytest.mark.parametrize("name", DELIVERIES)
def test_one_row_and_one_reply(name: str, heard: Callable[[str], Heard], evidence: Evidence) -> None:
    found = heard(name)
    evidence.examine(found.ids, "messages from the canary's number")
    evidence.record(
        name,
        answers=list(found.answers),
        rows=dict(found.rows),
        replies=len(found.replies),
        outgoing=dict(found.outgoing),
        conversations=found.conversations,
    )
    findings = [Finding("2xx", str(status), WEBHOOK) for status in found.answers if not 200 <= status < 300]
    findings += [
        Finding("1 row", f"{count} rows", f"whatsapp_message {message_id}, {name}")
        for message_id, count in found.rows.items()
        if count != 1
    ]
    if not found.conversations:
        findings.append(Finding("a conversation", "0 rows", f"whatsapp_conversation, the canary's number, {name}"))
    wanted = DELIVERIES[name]
    if len(found.replies) != wanted:
        where = f"bridge, {name}"
        findings.append(Finding(f"{wanted} replies", f"{len(found.replies)} replies", where))
    for reply in found.replies:
        if (through := (reply.get("json") or {}).get("tenantId")) != found.tenant:
            findings.append(Finding(f"tenantId {found.tenant}", f"tenantId {through}", f"bridge, {name}"))
        problems = reply["verdict"]["problems"]
        findings += [Finding("a reply as the bridge takes it", problem, f"bridge, {name}") for problem in problems]
    findings += [
        Finding("1 outgoing row", f"{count} rows", f"whatsapp_message {message_id}, reply, {name}")
        for message_id, count in found.outgoing.items()
        if count != 1
    ]
    evidence.judge(findings)


@criterion(
    "WAB-03",
    "bridge webhook with no secret configured on the server: 401 all the same, and a clear line at start",
    severity="critical",
    effect="disrupt",
    sources=["contract §7"],
    remedy="Refuse where INTERNAL_SECRET is empty instead of comparing with it, and log a line that says so at start.",
    writes=["three copies of the API without INTERNAL_SECRET, on a database of their own"],
)
@pytest.mark.parametrize("name", ["unset", "empty", "blank"])
def test_closed_without_a_secret(name: str, without_secret: Mapping[str, Open], evidence: Evidence) -> None:
    found = without_secret[name]
    evidence.examine(found.answers, "requests to an API without INTERNAL_SECRET")
    evidence.record(name, state=found.state, answers=dict(found.answers), lines=len(found.lines))
    where = f"{WEBHOOK}, INTERNAL_SECRET {name}"
    findings = [
        Finding(f"401 with X-Internal-Secret: {shown}", str(status), where)
        for shown, status in found.answers.items()
        if status != 401
    ]
    if not any(MISSING.search(line) for line in found.lines):
        findings.append(Finding("a line at start that INTERNAL_SECRET is not set", "no such line", where))
    evidence.judge(findings)
