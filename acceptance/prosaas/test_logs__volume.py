"""How much production writes into its logs: D2 Key Metrics and Expected Log Volume, contract section 9."""

from collections import Counter
from datetime import timedelta
from statistics import median

import pytest

from acceptance.prosaas.reading import lines, unwanted, with_a_log
from fixtures.criterion import Evidence, Finding, Unmeasured, criterion
from fixtures.facts.containers import ServiceFacts
from fixtures.facts.logs import Logs

HOUR = timedelta(hours=1)
LINES_A_CALL = 30
CYCLES = {
    "cycle.worker": "at most 2 lines of the worker's cycle an hour",
    "cycle.sessions": "at most 1 line of the session processor an hour",
    "cycle.reminders": "at most 1 line of the reminder scheduler an hour",
    "cycle.idle": "no line from a cycle that found nothing",
}


@criterion(
    "LOG-02",
    "per service, DEBUG lines are fewer than 50 of the last 100 and fewer than 100 of the last 1000",
    severity="minor",
    effect="observe",
    sources=["D2 Verification Checklist", "D2 Key Metrics"],
    remedy="Set LOG_LEVEL=INFO on the service named above, and let its libraries follow it.",
)
def test_debug_lines_are_few(services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    findings = []
    for service in evidence.examine(with_a_log(services), "services with a log"):
        debug = [level == "DEBUG" for _, level in logs.recent(service.name)]
        last = debug[-100:]
        evidence.record(service.name, lines=len(debug), debug=sum(debug), debug_of_last_100=sum(last))
        if len(last) == 100 and sum(last) >= 50:
            found = f"{sum(last)} of the last 100"
            findings.append(Finding("fewer than 50 DEBUG lines of the last 100", found, service.name))
        if any(debug) and sum(debug) * 10 >= len(debug):
            allowed = "fewer than 100 DEBUG lines of the last 1000" if len(debug) == 1000 else "fewer than 10 % DEBUG"
            findings.append(Finding(allowed, f"{sum(debug)} of the last {len(debug)}", service.name))
    evidence.judge(findings)


@criterion(
    "LOG-03",
    "fewer than 5 ERROR lines in any hour",
    severity="major",
    effect="observe",
    sources=["D2 Key Metrics"],
    remedy="Read the lines listed above: mend what is real, and lower the level of what is not an error.",
)
def test_errors_are_rare(services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    names = [service.name for service in evidence.examine(services.application, "application services")]
    found = logs.matches("entry.error", names)
    for name in names:
        own = logs.matches("entry.error", name)
        evidence.record(name, errors=own.count, lines=own.lines, read_h=logs.read_h([name]))
    burst = logs.burst("entry.error", names)
    listed = [match for match in found.first if burst and burst[0].at <= match.at < burst[0].at + HOUR]
    evidence.judge(lines(listed, "fewer than 5 ERROR lines an hour"))


@criterion(
    "LOG-07",
    "lines of the worker's, session processor's and reminder scheduler's cycles: at most 2, 1 and 1 an hour, "
    "and none from a cycle that found nothing",
    severity="minor",
    effect="observe",
    sources=["D2 Expected Log Volume"],
    remedy="Write a cycle's line only when it found something, and together for an hour.",
)
@pytest.mark.parametrize("cycle", CYCLES)
def test_cycles_are_quiet(cycle: str, services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    names = [service.name for service in evidence.examine(services.application, "application services")]
    found = logs.matches(cycle, names)
    evidence.record(cycle, matches=found.count, lines=found.lines, read_h=logs.read_h(names))
    if cycle == "cycle.idle":
        evidence.judge(unwanted(found, CYCLES[cycle]))
    else:
        evidence.judge(lines(logs.burst(cycle, names), CYCLES[cycle]))


@criterion(
    "LOG-08",
    "the lines that carry one CallSid, over all services: median over the calls in the window at most 30",
    severity="minor",
    effect="observe",
    sources=["D2 Expected Log Volume"],
    remedy="Lower the lines for frames and latencies to DEBUG: a call is told by its milestones.",
)
def test_a_call_writes_few_lines(services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    calls: Counter[str] = Counter()
    for service in with_a_log(services):
        for log in logs[service.name]:
            calls.update(log.calls)
    if not calls:
        raise Unmeasured("no call in the log window", "judge again after a call, or with a longer --log-window")
    evidence.examine(calls, "calls")
    middle = median(calls.values())
    evidence.record("calls", count=len(calls), median=middle, most=max(calls.values()))
    found = (
        f"median {middle:g} over {len(calls)} calls; {'; '.join(f'{n} lines: {c}' for c, n in calls.most_common(3))}"
    )
    evidence.judge([Finding(f"at most {LINES_A_CALL} lines a call", found, "logs")] if middle > LINES_A_CALL else [])
