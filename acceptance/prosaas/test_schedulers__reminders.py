"""The reminder scheduler as a user lives it: one push a reminder, tried again where it failed. Contract section 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import Evidence, Finding, Unmeasured, criterion

if TYPE_CHECKING:
    from fixtures.canary.reminders import Reminded

# as fixtures.canary.reminders names them
FAILS_FIRST = "5 minutes, its first push failing"
ARRIVING = ("5 minutes", "15 minutes", "30 minutes", "5 minutes, told in the time of another zone")


def record(name: str, reminded: Mapping[str, Reminded], evidence: Evidence) -> Reminded:
    """What became of one reminder. Raises Unmeasured where it was not made."""
    if name not in reminded:
        raise Unmeasured("a push is only made to fail where this run provisioned", "judge it on embedded or compose")
    one = reminded[name]
    evidence.examine([one.reminder], f"reminders due in {one.due_minutes} minutes")
    evidence.record(
        name,
        reminder=one.reminder.id,
        interval_s=one.interval_s,
        first_push_s=one.first_s,
        answered=list(one.answered),
        offsets=list(one.offsets),
    )
    return one


def told_once(one: Reminded) -> list[Finding]:
    """One push was delivered, and one row tells of it: that of the offset which it has reached."""
    findings = []
    if one.delivered != 1:
        findings.append(Finding("1 push delivered", f"{one.delivered} pushes delivered", one.where))
    if one.offsets != (one.due_minutes,):
        found = f"offsets {list(one.offsets)}"
        findings.append(Finding(f"offsets [{one.due_minutes}]", found, f"reminder_push_log of {one.where}"))
    return findings


@criterion(
    "BGS-06",
    "for a reminder due in 30, 15 or 5 minutes exactly one push and one log row of that offset appear within two "
    "ticks, and no other offset's",
    severity="critical",
    effect="canary",
    sources=["D0a §4", "contract §4"],
    remedy="Run the reminder scheduler in one service; insert (reminder_id, offset_minutes) ON CONFLICT DO NOTHING in "
    "the transaction that sends, and send only where the row was inserted.",
    sends=8,
    needs=["push"],
    writes=["4 leads with a reminder of the canary user each, and 1 push subscription"],
)
@pytest.mark.parametrize("due", ARRIVING)
def test_one_push_for_a_reminder(due: str, reminded: Mapping[str, Reminded], evidence: Evidence) -> None:
    evidence.judge(told_once(record(due, reminded, evidence)))


@criterion(
    "BGS-07",
    "a reminder whose push failed with 5xx is tried again and delivered once",
    severity="major",
    effect="disrupt",
    sources=["contract §4"],
    remedy="Keep the row of reminder_push_log only where the push service took the message; roll it back otherwise.",
    sends=2,
    needs=["push"],
    writes=["a lead with a reminder of the second canary user, and 1 push subscription; its first push fails"],
)
def test_failed_push_is_tried_again(reminded: Mapping[str, Reminded], evidence: Evidence) -> None:
    one = record(FAILS_FIRST, reminded, evidence)
    findings = told_once(one)
    if one.answered[:1] != (500,):
        findings.append(Finding("the first push, which fails with 500", f"{list(one.answered)}", one.where))
    if len(one.answered) < 2:
        findings.append(Finding("a second try after 500", f"{len(one.answered)} pushes tried", one.where))
    evidence.judge(findings)
