"""No secret of the environment stands in a log: D1 Security Verification, contract section 9."""

from acceptance.prosaas.reading import unwanted, with_a_log
from fixtures.criterion import Evidence, criterion
from fixtures.facts.containers import ServiceFacts
from fixtures.facts.logs import Logs


@criterion(
    "SEC-02",
    "no secret value of any service's environment occurs in any log",
    severity="critical",
    effect="observe",
    sources=["D1 Security Verification"],
    remedy="Change the code that writes the line to leave the value out, rotate the secret that was shown, "
    "and remove the log that holds it.",
)
def test_no_log_shows_a_value_of_the_environment(services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    findings = []
    values = evidence.examine(logs.values, "secret values in the environments of services")
    for service in evidence.examine(with_a_log(services), "services with a log"):
        found = logs.matches(values, service.name)
        evidence.record(service.name, lines=found.lines, matches=found.count)
        findings += unwanted(found, "no secret value in a log")
    evidence.judge(findings)
