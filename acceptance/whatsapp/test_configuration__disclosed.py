"""Nothing confidential is given away, whoever asks and whatever is refused. D3 C3, contract section 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acceptance.prosaas.reading import unwanted, with_a_log
from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.disclosure import Disclosed
    from fixtures.facts.containers import ServiceFacts
    from fixtures.facts.logs import Logs

TRACE = "trace.stack"
GROUPS = ("anonymous", "signed in", "refused")
LOG_LINES = "log lines"


@criterion(
    "CFG-02",
    "no endpoint or probe path, no log line and no error body shows the value of a secret or a stack trace",
    severity="critical",
    effect="canary",
    sources=["D3 C3", "contract §1"],
    remedy="Answer errors with a sentence and a code, log the name of a setting and never its value, remove debug "
    "routes from the build; then replace every secret that was shown.",
    writes=["nothing that stays: one login, and requests that are refused"],
)
@pytest.mark.parametrize("case", [*GROUPS, LOG_LINES])
def test_nothing_is_given_away(
    case: str, disclosed: Disclosed, request: pytest.FixtureRequest, evidence: Evidence
) -> None:
    if case == LOG_LINES:
        judge_log_lines(disclosed, request.getfixturevalue("services"), request.getfixturevalue("logs"), evidence)
        return
    findings = []
    answers = evidence.examine(disclosed.of(case), "answers")
    evidence.record(case, secrets_looked_for=disclosed.looked_for)
    for told in answers:
        evidence.record(told.request, status=told.status, size=told.size)
        where = f"{told.request}, answered {told.status}"
        findings += [Finding("no secret", f"the value of {name}", where) for name in told.secrets]
        if told.trace:
            findings.append(Finding("no stack trace", told.trace, where))
    evidence.judge(findings)


def judge_log_lines(disclosed: Disclosed, services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    """What was in the log before, and what the requests left there."""
    patterns = [*evidence.examine(logs.values, "secret values in the environments of services"), TRACE]
    meanwhile = logs.since(disclosed.since)
    findings = []
    for service in evidence.examine(with_a_log(services), "services with a log"):
        for what, read in (("before", logs), ("meanwhile", meanwhile)):
            found = read.matches(patterns, service.name)
            evidence.record(f"{service.name}, {what}", lines=found.lines, matches=found.count)
            findings += unwanted(found, "no secret value and no stack trace in a log")
    evidence.judge(findings)
