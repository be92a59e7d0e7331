"""Web push as the logs tell it: calmly, once for each expiry, and with an end. D0a section 5, contract section 6."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from acceptance.prosaas.reading import SHOWN, by_container, lines, unwanted
from fixtures.criterion import Evidence, Finding, criterion, reads
from fixtures.facts.containers import ServiceFacts
from fixtures.facts.logs import Logs, Match

if TYPE_CHECKING:
    from fixtures.facts.collect import Facts

EXPIRED, DISPATCHED = "push.expired", "push.dispatched"
IN_A_ROW = 3
SLACK = timedelta(minutes=1)  # between a row and its line, and between two clocks


def deactivated(dispatch: Match) -> int:
    """How many subscriptions a dispatch says that it deactivated."""
    said = re.search(r"\b(\d+) expired", dispatch.text)
    return int(said[1]) if said else 0


def user_of(dispatch: Match) -> str:
    """The user of a dispatch; "" where the line names none."""
    named = re.search(r"\buser(?:_id)?[\"']?\s*[=:]\s*[\"']?(\w+)", dispatch.text)
    return named[1] if named else ""


def told_once(expired: Sequence[Match], dispatches: Sequence[Match], begun_before: bool) -> list[Finding]:
    """The lines of one container: as many expiries as its dispatches deactivated.

    A dispatch writes its line last: expiries after the last line belong to one that has not ended. `begun_before`:
    the first dispatch may have begun before the window did.
    """
    told = sum(match.line < dispatches[-1].line for match in expired)
    wanted = sum(map(deactivated, dispatches))
    if wanted - (deactivated(dispatches[0]) if begun_before else 0) <= told <= wanted:
        return []
    expected = f"one line for each of the {wanted} subscriptions that dispatches deactivated"
    return [Finding(expected, f"{told} lines", dispatches[0].service)]


@criterion(
    "PSH-08",
    "in every service's log each expiry (410 and 404) is one line at INFO, and nothing about WebPush is at WARNING",
    severity="minor",
    effect="observe",
    sources=["D0a §5", "D0a Monitor Logs"],
    remedy="Log an expired subscription once, at INFO: it is what happens when somebody changes their device.",
)
def test_expiries_are_told_once_and_calmly(services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    findings = []
    for service in evidence.examine(services.application, "application services"):
        warned = logs.matches("push.warning", service.name)
        expired = logs.matches(EXPIRED, service.name)
        dispatched = logs.matches(DISPATCHED, service.name)
        evidence.record(service.name, lines=warned.lines, expired=expired.count, deactivated=dispatched.total)
        findings += unwanted(warned, "nothing about WebPush at WARNING")
        loud = [match for match in expired.first if match.level not in ("INFO", "WARNING")]
        findings += lines(loud[:SHOWN], "an expired subscription told at INFO")
        begun = {log.container for log in logs[service.name] if log.first is not None and log.first < logs.floor}
        of_container = by_container(expired.all_kept)
        for container, dispatches in by_container(dispatched.all_kept).items():
            findings += told_once(of_container.get(container, []), dispatches, container in begun)
    evidence.judge(findings)


@criterion(
    "PSH-09",
    "no dispatch loop: for no user do dispatches keep reporting expired subscriptions, and the deactivations that the "
    "log counts are no more than the rows that became inactive or were re-subscribed in the window",
    severity="critical",
    effect="observe",
    sources=["D0a Acceptance Criteria"],
    remedy="In the web push sender, set push_subscriptions.is_active to false on 410 and 404 and commit it; "
    "in the dispatcher, select active subscriptions only.",
)
@reads("push_deactivated")
def test_dispatches_do_not_loop(services: ServiceFacts, logs: Logs, facts: Facts, evidence: Evidence) -> None:
    names = [service.name for service in evidence.examine(services.application, "application services")]
    found = logs.matches(DISPATCHED, names)
    (rows,) = facts.rows("push_deactivated", since=logs.floor - SLACK)
    evidence.record("dispatches", count=found.count, deactivated=found.total, lines=found.lines, **rows)
    findings = []
    series: dict[str, int] = {}
    for match in found.all_kept:
        user = user_of(match)
        series[user] = series.get(user, 0) + 1 if user and deactivated(match) else 0
        if series[user] == IN_A_ROW:
            findings += lines([match], f"no {IN_A_ROW} dispatches in a row that report expired subscriptions of a user")
    if found.total > rows["inactive"] + rows["renewed"]:
        counted = f"{found.total} deactivations in the log, {rows['inactive']} rows inactive, {rows['renewed']} renewed"
        findings.append(Finding("a row for each deactivation", counted, "push_subscriptions"))
        findings += lines([m for m in found.all_kept if deactivated(m)][-1:], "a row for each deactivation")
    evidence.judge(findings)
