"""While a column is missing every route says so aloud, and no message is lost. D3 A2, contract section 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import CheckError, Evidence, Finding, criterion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixtures.canary.drifting import Arrived, Drifted, Stream

TEXT = "DB migrations not applied. Run: npx prisma migrate deploy"
ROUTES = {
    "webhook": "POST /api/webhooks/whatsapp",
    "inbox list": "GET /api/inbox/conversations",
    "one conversation": "GET /api/inbox/conversations/<id>",
    "runner": "GET /api/jobs/run-outbound",
    "cron": "GET /api/cron/run-outbound-jobs",
    "notifications": "GET /api/notifications",
    "notification count": "GET /api/notifications/count",
}
MEMBERS = {"ok": False, "error": TEXT, "code": "DB_MISMATCH"}


@criterion(
    "DRF-04",
    "while deletedAt or snoozedUntil is missing, every route that needs it answers 500 with the documented text, the "
    "cron 5xx with ok:false, and [DB-MISMATCH] is logged",
    severity="critical",
    effect="disrupt",
    sources=["D3 A2"],
    remedy="Catch P2022 around each handler, log [DB-MISMATCH] and answer 500 with code DB_MISMATCH; no default, no "
    "empty list, no 200.",
    writes=["a copy of web on a database of its own, from which columns go for a moment; both are removed"],
)
@pytest.mark.parametrize("route", ROUTES)
def test_drift_is_told_aloud(route: str, while_drifted: Mapping[str, Drifted], evidence: Evidence) -> None:
    answer = while_drifted[route]
    evidence.examine([answer], "answers")
    members = {name: answer.document.get(name) for name in MEMBERS}
    evidence.record(route, missing=answer.missing, status=answer.status, members=members, mismatch_lines=answer.lines)
    where = f"{ROUTES[route]} ({route}) without {answer.missing}"
    findings = []
    if route == "cron":
        if answer.status < 500 or answer.document.get("ok") is not False:
            findings.append(Finding("5xx with ok: false", f"{answer.status} {answer.shown}", where))
    elif answer.status != 500 or members != MEMBERS:
        findings.append(Finding(f"500 with {TEXT!r} and code DB_MISMATCH", f"{answer.status} {answer.shown}", where))
    if not answer.lines:
        findings.append(Finding("a line [DB-MISMATCH] in the log", "none", where))
    evidence.judge(findings)


def fate(message: Arrived) -> list[Finding]:
    """What is wrong with the end of one message."""
    where = f"message {message.message_id}, answered {', '.join(map(str, message.answers))}"
    if message.lost_at:
        return [Finding("a stored message behind a 2xx", message.lost_at, where)]
    if not message.accepted:
        return [Finding("taken in by the redelivery", f"answered {message.answers[-1]}", where)]
    if message.stored is None:
        return [Finding("stored and answered once", "no row at all", where)]
    stored = message.stored
    counts = (stored.messages, stored.jobs, len(stored.logged), len(stored.replies), message.replies)
    if set(counts) == {1} and message.done:
        return []
    found = f"{stored}, {message.replies} requests that Graph accepted"
    return [Finding("stored, job done and answered, all of it once", found, where)]


@criterion(
    "DRF-05",
    "a message that comes in while a column is missing, or the database full, is not lost: no 2xx without a stored "
    "message, and after the repair its redelivery is stored and answered, once",
    severity="critical",
    effect="disrupt",
    sources=["D3 A2", "contract §1"],
    remedy="Store the message, its dedup row and its job in one transaction, and answer 5xx when the database refuses: "
    "then Meta delivers again.",
    sends=62,
    needs=["graph"],
    writes=["a copy of web on a database of its own, up to 62 messages to it; both are removed"],
)
@pytest.mark.parametrize("case", ["one message", "its disk is full", "messages arrive all the time"])
def test_no_message_is_lost_to_drift(case: str, during_drift: Mapping[str, Stream], evidence: Evidence) -> None:
    stream = during_drift[case]
    evidence.examine(stream.messages, "messages")
    replies = sum(message.replies for message in stream.messages)
    evidence.record(case, messages=len(stream.messages), refused_at_first=stream.refused, replies=replies)
    findings = [finding for message in stream.messages for finding in fate(message)]
    if not findings and not stream.refused:
        raise CheckError("no message was refused, so nothing is shown about a database that refuses")
    evidence.judge(findings)
