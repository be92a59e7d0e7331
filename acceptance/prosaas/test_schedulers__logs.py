"""What the logs tell of schedulers: D0a section 4, contract section 4."""

from acceptance.prosaas.reading import lines
from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.containers import ServiceFacts
from fixtures.facts.deployment import Expected
from fixtures.facts.logs import Logs


@criterion(
    "BGS-03",
    "the scheduler service says that schedulers are ENABLED, every other application service that they are DISABLED",
    severity="minor",
    effect="observe",
    sources=["D0a §4"],
    remedy="Read the service's log from its start: without the line it does not check ENABLE_SCHEDULERS at all.",
)
def test_each_service_tells_its_gate(
    services: ServiceFacts, inventory: Expected, logs: Logs, evidence: Evidence
) -> None:
    findings = []
    for service in evidence.examine(services.application, "application services"):
        enabled = service.name == inventory.schedulers_by
        wanted, other = ("ENABLED", "DISABLED") if enabled else ("DISABLED", "ENABLED")
        said = logs.matches(f"gate.{wanted.lower()}", service.name, since="start")
        contrary = logs.matches(f"gate.{other.lower()}", service.name, since="start")
        evidence.record(service.name, said=said.count, contrary=contrary.count, lines=said.lines)
        if not said:
            findings.append(Finding(f"Schedulers {wanted}", "says no such thing", service.name, service.since))
        findings += lines(contrary.first[:1], f"Schedulers {wanted}")
    evidence.judge(findings)
