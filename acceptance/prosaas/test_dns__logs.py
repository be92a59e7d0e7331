"""Names resolve, and where one does not for a moment the log stays calm: D0a, D2, contract section 9."""

from acceptance.prosaas.reading import SHOWN, lines, unwanted, with_a_log
from fixtures.criterion import Evidence, criterion
from fixtures.facts.containers import ServiceFacts
from fixtures.facts.logs import Logs


@criterion(
    "DNS-02",
    "no DNS error line at ERROR or without a level, and fewer than 10 at WARNING a day",
    severity="critical",
    effect="observe",
    sources=["D0a Acceptance Criteria", "D0a Monitor Logs", "D0b Acceptance Criteria", "D2 Key Metrics"],
    remedy="Set dns, dns_search and dns_opt as documented on the service named above; "
    "have a scheduler that fails again and again tell it once.",
)
def test_no_name_fails_loudly(services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    names = [service.name for service in evidence.examine(with_a_log(services), "services with a log")]
    findings = []
    for name in names:
        loud, warned = logs.matches("dns.error", name), logs.matches("dns.warning", name)
        evidence.record(name, lines=loud.lines, errors=loud.count, warnings=warned.count, read_h=logs.read_h([name]))
        findings += unwanted(loud, "no DNS error at ERROR or without a level")
    burst = logs.burst("dns.warning", names)
    findings += lines(burst[:SHOWN], f"fewer than 10 DNS warnings a day, found {len(burst)} or more")
    evidence.judge(findings)
