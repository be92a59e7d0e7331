"""Background schedulers run in one service, once: D0a section 4, D0b known limitation 3, contract section 4."""

import pytest

from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.containers import ServiceFacts
from fixtures.facts.deployment import Expected
from fixtures.facts.logs import Logs

SCHEDULERS = (
    "scheduler.recording_cleanup",
    "scheduler.session_processor",
    "scheduler.recording_worker",
    "scheduler.reminders",
)


@criterion(
    "BGS-01",
    "ENABLE_SCHEDULERS is true in the scheduler service only, and explicit everywhere",
    severity="critical",
    effect="observe",
    sources=["D0a §4", "D0b Known Limitations 3"],
    remedy='Set ENABLE_SCHEDULERS: "true" on the scheduler service and "false" on every other application service; '
    "then ./scripts/dcprod.sh up -d.",
)
def test_schedulers_are_enabled_in_one_service(services: ServiceFacts, inventory: Expected, evidence: Evidence) -> None:
    findings = []
    for service in evidence.examine(services.application, "application services"):
        flag = service.variable("ENABLE_SCHEDULERS")
        evidence.record(service.name, running=list(flag.running), resolved=flag.resolved)
        findings += flag.findings("true" if service.name == inventory.schedulers_by else "false")
    evidence.judge(findings)


@criterion(
    "BGS-02",
    "each of the four schedulers started once since the service's start, and nowhere else",
    severity="major",
    effect="observe",
    sources=["D0a §4"],
    remedy="Look for a second place that starts the scheduler (another service, a second process, a reloader); "
    "if none started, read the scheduler service's log from its start.",
)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_scheduler_started_once(
    scheduler: str, services: ServiceFacts, inventory: Expected, logs: Logs, evidence: Evidence
) -> None:
    findings = []
    for service in evidence.examine(services.application, "application services"):
        started = logs.matches(scheduler, service.name, since="start")
        evidence.record(service.name, started=started.count, lines=started.lines)
        expected = len(service.containers) if service.name == inventory.schedulers_by else 0
        if started.count != expected:
            shown = f": {started.first[-1].text}" if started else ""
            findings.append(
                Finding(
                    f"{scheduler} started {expected} times since the start of the service",
                    f"started {started.count} times{shown}",
                    service.name,
                    service.since,
                )
            )
    evidence.judge(findings)
