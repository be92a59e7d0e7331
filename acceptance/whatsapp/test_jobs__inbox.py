"""What the staff see of it: both messages in one thread of the inbox. D3 Post-Deployment 6."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import CheckError, Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.delivery import Delivery
    from fixtures.canary.inbox import Inbox


@criterion(
    "JOB-05",
    "the inbox shows the customer's message and the reply, with their words, in one thread; an archived one is hidden "
    "until a new message brings it back",
    severity="critical",
    effect="canary",
    sources=["D3 Post-Deployment 6", "contract §1"],
    remedy="Create the OUTBOUND Message row in the conversation of the inbound one, list no conversation with a "
    "deletedAt, and set it to null when a message comes in.",
    sends=3,
    needs=["graph"],
    writes=["the delivery of JOB-01, and on provisioned deployments 2 more, the second into an archived conversation"],
)
@pytest.mark.parametrize("case", ["as it comes", "archived before"])
def test_inbox_shows_both(case: str, request: pytest.FixtureRequest, inbox: Inbox, evidence: Evidence) -> None:
    # only a provisioned deployment can be made to have an archived conversation of ours
    asked = request.getfixturevalue("delivered" if case == "as it comes" else "into_archive")
    delivery: Delivery = asked.delivery
    conversation = delivery.conversation()
    if conversation is None:
        raise CheckError(f"no conversation for {delivery.provider_message_id}")
    key = conversation["id"]
    logged = {row.provider_message_id for row in delivery.log_rows() if row.provider_message_id}
    replies = {row.provider_message_id: row.body for row in delivery.outbound_messages()}
    evidence.examine([delivery], "deliveries to the webhook")
    thread = inbox.thread(key)
    shown = {(str(each.get("direction")).upper(), each.get("providerMessageId")): each.get("body") for each in thread}
    evidence.record(case, conversation=key, shown=len(shown), replies=len(logged))
    where = f"inbox, conversation {key}, {case}"
    findings = []
    if case == "archived before" and asked.listed:
        findings.append(Finding("no archived conversation in the list", "listed before the message came", where))
    if key not in inbox.listed():
        findings.append(Finding("the conversation in the list", "not listed", where))
    if ("INBOUND", delivery.provider_message_id) not in shown:
        findings.append(Finding("the INBOUND message", f"{len(shown)} messages, not this one", where))
    if not any(("OUTBOUND", reply) in shown for reply in logged):
        findings.append(Finding("the OUTBOUND reply", f"{len(shown)} messages, not the reply", where))
    words = {("INBOUND", delivery.provider_message_id): delivery.text}
    words |= {("OUTBOUND", reply): replies[reply] for reply in logged & replies.keys()}
    findings += [
        Finding(
            f"the {direction} message with its words", "other words" if shown[direction, key] else "no words", where
        )
        for (direction, key), text in words.items()
        if shown.get((direction, key), text) != text
    ]
    evidence.judge(findings)
