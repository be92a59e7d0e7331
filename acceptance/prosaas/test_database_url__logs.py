"""Every service checks the address of its database before anything else: D0a section 3, contract section 8."""

from acceptance.prosaas.reading import lines
from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.containers import ServiceFacts
from fixtures.facts.logs import Logs


@criterion(
    "DBU-02",
    "every application service logs that DATABASE_URL was validated, without the URL",
    severity="minor",
    effect="observe",
    sources=["D0a Testing Checklist 5", "D1 Security Verification"],
    remedy="Call validate_database_url() at the start of the service, and log host and database name only.",
)
def test_every_service_says_that_it_validated(services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    findings = []
    for service in evidence.examine(services.application, "application services"):
        said = logs.matches("database_url.validated", service.name, since="start")
        evidence.record(service.name, said=said.count, lines=said.lines)
        if not said:
            findings.append(Finding("DATABASE_URL validated", "says no such thing", service.name, service.since))
        shown = [match for match in said.first if "[secret." in match.text or "://" in match.text]
        findings += lines(shown, "DATABASE_URL validated, without the URL")
    evidence.judge(findings)
