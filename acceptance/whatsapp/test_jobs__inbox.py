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
    "the inbox shows the customer's message and the reply in one thread; a new message brings an archived one back",
    severity="critical",
    effect="canary",
    sources=["D3 Post-Deployment 6"],
    remedy="Create the OUTBOUND Message row in the conversation of the inbound one, and set deletedAt to null when a "
    "message comes in.",
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
    replies = {row.provider_message_id for row in delivery.log_rows() if row.provider_message_id}
    evidence.examine([delivery], "deliveries to the webhook")
    thread = inbox.thread(key)
    shown = [(str(each.get("direction")).upper(), each.get("providerMessageId")) for each in thread]
    evidence.record(case, conversation=key, shown=len(shown), replies=len(replies))
    where = f"inbox, conversation {key}, {case}"
    findings = []
    if key not in inbox.listed():
        findings.append(Finding("the conversation in the list", "not listed", where))
    if ("INBOUND", delivery.provider_message_id) not in shown:
        findings.append(Finding("the INBOUND message", f"{len(shown)} messages, not this one", where))
    if not any(("OUTBOUND", reply) in shown for reply in replies):
        findings.append(Finding("the OUTBOUND reply", f"{len(shown)} messages, not the reply", where))
    evidence.judge(findings)
