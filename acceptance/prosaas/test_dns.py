"""How application services resolve names: D2 DNS Error Handling, contract section 1."""

from collections.abc import Iterator

from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.containers import Service, ServiceFacts

SERVERS = ("1.1.1.1", "8.8.8.8")
SEARCH = (".",)
OPTIONS = ("ndots:0", "timeout:2", "attempts:2")


def resolvers(service: Service) -> Iterator[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    """Where it stands, the setting, what is expected and what is there; in any order."""
    places = [(f"container {c.name}", (c.dns, c.dns_search, c.dns_options)) for c in service.containers]
    if service.resolved is not None:
        defined = service.resolved
        places.append(("the compose configuration", (defined.dns, defined.dns_search, defined.dns_options)))
    for place, found in places:
        for setting, wanted, there in zip(
            ("dns", "dns_search", "dns_opt"), (SERVERS, SEARCH, OPTIONS), found, strict=True
        ):
            yield place, setting, wanted, there


@criterion(
    "DNS-01",
    "name servers, search and options as documented on every application service, running and configured",
    severity="major",
    effect="observe",
    sources=["D2 DNS Error Handling", "D2 Verification Checklist"],
    remedy="Give every application service dns: [1.1.1.1, 8.8.8.8], dns_search: ['.'] and dns_opt: [ndots:0, "
    "timeout:2, attempts:2] in docker-compose.prod.yml; then ./scripts/dcprod.sh up -d.",
)
def test_resolver_is_as_documented(services: ServiceFacts, evidence: Evidence) -> None:
    findings = []
    for service in evidence.examine(services.application, "application services"):
        for place, setting, wanted, there in resolvers(service):
            evidence.record(f"{service.name}: {setting} in {place}", found=list(there))
            if sorted(wanted) != sorted(there):
                found = f"{', '.join(there) or 'none'} in {place}"
                findings.append(Finding(", ".join(wanted), found, f"{service.name}: {setting}", service.since))
    evidence.judge(findings)
