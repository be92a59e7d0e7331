"""Whether the cron comes every minute, says ok only for a run that succeeded, and logs it. D3 B1, contract §1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import CheckError, Evidence, Finding, Unmeasured, criterion

if TYPE_CHECKING:
    from fixtures.canary.cron import Cron, CronAnswer
    from fixtures.facts.at_rest import AtRest
    from fixtures.facts.cron_calls import CronCalls, Schedule

ROUTE = "/api/cron/run-outbound-jobs"
EVERY_S = 60.0
METHODS = {"vercel", "bearer", "query"}


@criterion(
    "CRN-06",
    "the cron says ok: true only if the job runner succeeded; else 5xx and ok: false with the error",
    severity="critical",
    effect="canary",
    sources=["D3 B"],
    remedy="Answer ok: true only for a runner that answered 200 and ok: true, and pass its error on with a 5xx: the "
    "platform shows a cron as failed by its status alone.",
    writes=["nothing of its own: the jobs that are due are run, as the cron itself would"],
)
@pytest.mark.parametrize("name", ["as it is", "runner out of reach"])
def test_ok_means_that_the_runner_succeeded(name: str, request: pytest.FixtureRequest, evidence: Evidence) -> None:
    cron: Cron = request.getfixturevalue("cron")
    answer: CronAnswer = cron.with_right("bearer") if name == "as it is" else request.getfixturevalue("without_runner")
    document, result = answer.document, answer.document.get("jobRunnerResult")
    runner = cron.runner_status(answer) if name == "as it is" and answer.request_id else None
    evidence.examine([answer], "answers")
    evidence.record(name, status=answer.status, ok=document.get("ok"), members=sorted(document), runner_status=runner)
    where = f"GET {ROUTE}, {name}"
    if not document or (answer.status != 200 and answer.status < 500):
        evidence.judge([Finding("200, or a 5xx, with JSON", f"{answer.status} {answer.answer.content_type}", where)])
    failures = []
    if name != "as it is":
        failures.append("the job runner cannot be reached")
    if isinstance(result, dict) and ("error" in result or result.get("ok") is False):
        failures.append(f"jobRunnerResult {sorted(result)}")
    if runner is not None and runner != 200:
        failures.append(f"the log says that the job runner answered {runner}")
    findings = []
    if failures and (document.get("ok") is True or answer.status == 200):
        found = f"{answer.status}, ok: {str(document.get('ok')).lower()}, though {' and '.join(failures)}"
        findings.append(Finding("5xx and ok: false", found, where))
    if not failures and (document.get("ok") is True) != (answer.status == 200):
        found = f"{answer.status}, ok: {str(document.get('ok')).lower()}"
        findings.append(Finding("200 and ok: true, or 5xx and ok: false", found, where))
    if document.get("ok") is not True and not document.get("error"):
        findings.append(Finding("the error", f"members {sorted(document)}", where))
    evidence.judge(findings)


@criterion(
    "CRN-07",
    "the cron is configured for every minute on the documented path, and its triggers are at most two minutes apart",
    severity="critical",
    effect="observe",
    sources=["D3 B1", "D3 Success Criteria", "D3 Pre-Deployment 4"],
    remedy=f"Put path {ROUTE} and schedule '* * * * *' into vercel.json and deploy; where a service of your own calls, "
    "start it and set CRON_INTERVAL_SECONDS to 60.",
)
def test_cron_comes_every_minute(request: pytest.FixtureRequest, evidence: Evidence) -> None:
    try:
        schedule: Schedule = request.getfixturevalue("schedule")
        calls: CronCalls = request.getfixturevalue("cron_calls")
    except Unmeasured:
        judge_by_what_waits(request.getfixturevalue("at_rest"), evidence)
        return
    evidence.examine(range(calls.lines_read), "lines of web's log")
    longest = max(calls.gaps(EVERY_S), key=lambda gap: gap.seconds)
    evidence.record(
        "triggers",
        cron=schedule.state,
        interval=schedule.interval or "not set",
        count=len(calls.triggers),
        read_s=round(calls.seconds),
        longest_silence_s=round(longest.seconds),
    )
    findings = []
    if schedule.state != "running":
        findings.append(Finding("running", schedule.state, "service cron"))
    if not 0 < schedule.interval_s <= EVERY_S:
        expected = "CRON_INTERVAL_SECONDS of 60 at most"
        findings.append(Finding(expected, schedule.interval or "not set", "service cron"))
    if longest.seconds > schedule.most_s:
        found = f"none from {longest.start:%H:%M:%S} to {longest.end:%H:%M:%S}, {longest.seconds:.0f} s"
        findings.append(Finding(f"a trigger of {ROUTE} every two minutes", found, "log of web"))
    evidence.judge(findings)


def judge_by_what_waits(at_rest: AtRest, evidence: Evidence) -> None:
    """Without containers and logs: a cron that comes leaves no due job waiting."""
    jobs = at_rest.looked_at.get("jobs", 0)
    if not jobs:
        raise Unmeasured("neither logs nor jobs show whether the cron comes", "judge again once customers have written")
    overdue = at_rest.found["overdue"]
    evidence.examine(range(jobs), "jobs")
    evidence.record("jobs due for more than two minutes", total=overdue.total)
    evidence.judge(
        Finding("a cron that takes up what is due", each.detail, each.where or each.detail) for each in overdue.first
    )


@criterion(
    "CRN-08",
    "each call of the cron is logged with its authorisation and the runner's response, under one requestId, no secret",
    severity="minor",
    effect="observe",
    sources=["D3 Post-Deployment 2"],
    remedy="Log trigger, authorised method and the job runner's response with the requestId of the request, and never "
    "the request's URL or headers.",
)
def test_calls_are_logged_with_one_request_id(cron_calls: CronCalls, schedule: Schedule, evidence: Evidence) -> None:
    where = "log of web"
    if not cron_calls.lines and cron_calls.seconds > schedule.most_s:
        raise CheckError(f"no line of the cron in {cron_calls.seconds:.0f} s of web's log")
    evidence.examine(range(cron_calls.lines_read), "lines of web's log")
    calls = cron_calls.by_request()
    nameless = calls.pop("", [])
    evidence.record("calls", count=len(calls), lines=len(cron_calls.lines), read_s=round(cron_calls.seconds))
    findings = [Finding("a requestId", line.text, where) for line in nameless[:5]]
    for request_id, lines in calls.items():
        stages = [line.stage for line in lines]
        place = f"{where}, requestId {request_id}"
        for line in lines:
            if line.stage == "authorized" and line.fields.get("method") not in METHODS:
                findings.append(Finding(f"a method of {', '.join(sorted(METHODS))}", line.text, place))
        if cron_calls.whole(lines):
            findings += [Finding(f"the line '{name}' too", lines[0].text, place) for name in missing(stages)]
        if cron_calls.over(lines) and cron_calls.whole(lines) and "authorized" in stages and "job runner" not in stages:
            findings.append(Finding("the line 'job runner response' too", ", ".join(stages), place))
    findings += [Finding("no secret in the line", match.text, where) for match in cron_calls.secrets[:5]]
    evidence.judge(findings)


def missing(stages: Sequence[str]) -> list[str]:
    """What must stand before what was logged."""
    needed = [] if "trigger start" in stages else ["trigger start"]
    return needed + (["authorized"] if "job runner" in stages and "authorized" not in stages else [])
