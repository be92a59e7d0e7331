"""Which services run, and how well: D0a, D2, contract section 1."""

import pytest

from fixtures.criterion import CheckError, Evidence, Finding, criterion
from fixtures.facts.containers import Service, ServiceFacts

REQUIRED = ("nginx", "prosaas-api", "prosaas-calls", "worker", "redis", "frontend")
WITH_HEALTHCHECK = ("nginx", "prosaas-api", "prosaas-calls", "worker", "redis")
LEGACY = "legacy"
PRODUCTION_MODE = {"PRODUCTION": "1", "FLASK_ENV": "production", "ENV": "production"}


def unwell(service: Service) -> list[Finding]:
    """What its healthcheck says against a running service; absent, unknown, starting and unhealthy told apart."""
    findings = []
    if service.resolved is not None and service.resolved.healthcheck is None:
        findings.append(Finding("a healthcheck", "none in the compose configuration: unknown", service.name))
    if service.health == "unknown":
        findings.append(
            Finding("healthy by its healthcheck", "unknown: its container has none", service.name, service.since)
        )
    elif service.health == "starting":
        if not service.start_period_over:
            raise CheckError(
                f"{service.name} is starting, {service.up_s:.0f} s after its start and within its start period:"
                " judge again when it is over"
            )
        findings.append(
            Finding("healthy", f"starting, {service.up_s:.0f} s after its start", service.name, service.since)
        )
    elif service.health != "healthy":
        findings.append(Finding("healthy", service.health, service.name, service.since))
    return findings


@criterion(
    "TOP-01",
    "every required service is running, and healthy where the contract gives it a healthcheck",
    severity="critical",
    effect="observe",
    sources=["D0a Verify Deployment", "D2 Services in Production", "D2 Verification Checklist", "D1 Step 6"],
    remedy="./scripts/dcprod.sh ps; read the log of the service named above, then ./scripts/dcprod.sh up -d SERVICE.",
)
@pytest.mark.parametrize("name", REQUIRED)
def test_required_service_is_up(name: str, services: ServiceFacts, evidence: Evidence) -> None:
    service = services[name]
    evidence.examine([service], "required services")
    evidence.record(name, state=service.state, health=service.health, containers=len(service.containers))
    if not service.running:
        evidence.judge([Finding("running", service.state, name, service.since)])
    evidence.judge(unwell(service) if name in WITH_HEALTHCHECK else [])


@criterion(
    "TOP-02",
    "`backend` does not run, and is either not defined or defined under profile `legacy` only",
    severity="critical",
    effect="observe",
    sources=["D0a §2", "D2 Services in Production"],
    remedy="./scripts/dcprod.sh stop backend && ./scripts/dcprod.sh rm -f backend; "
    'keep it under profiles: ["legacy"] in docker-compose.prod.yml.',
)
def test_backend_is_legacy(services: ServiceFacts, evidence: Evidence) -> None:
    evidence.examine(services.containers, "containers of the project")
    backend = services["backend"]
    findings = [
        Finding("no running container of backend", f"{container.name} is {container.state}", "backend", backend.since)
        for container in backend.containers
        if container.state in ("running", "restarting", "paused")
    ]
    defined = backend.resolved
    evidence.record("backend", state=backend.state, profiles=list(defined.profiles) if defined else "not defined")
    if defined is not None and set(defined.profiles) != {LEGACY}:
        found = f"profiles {list(defined.profiles)}" if defined.profiles else "no profile: it starts with the others"
        findings.append(Finding(f"defined under profile {LEGACY} only", found, "backend"))
    evidence.judge(findings)


@criterion(
    "TOP-10",
    "every application service runs in production mode, and PRODUCTION, FLASK_ENV and ENV, where set, agree",
    severity="critical",
    effect="observe",
    sources=["D4 Existing Variables", "contract §1"],
    remedy='Set PRODUCTION: "1" and FLASK_ENV: production on every application service in docker-compose.prod.yml, '
    "remove what contradicts them; then ./scripts/dcprod.sh up -d.",
)
def test_application_services_run_in_production_mode(services: ServiceFacts, evidence: Evidence) -> None:
    findings = []
    for service in evidence.examine(services.application, "application services"):
        given = {name: service.variable(name) for name in PRODUCTION_MODE}
        evidence.record(service.name, **{name: [*flag.running, flag.resolved] for name, flag in given.items()})
        places = [
            *(c.environment for c in service.containers),
            service.resolved.environment if service.resolved else {},
        ]
        if not all(any(place.get(name, "").strip() for name in PRODUCTION_MODE) for place in places):
            names = f"{service.name}: PRODUCTION, FLASK_ENV and ENV"
            findings.append(Finding("production mode", "not set, none of them", names, service.since))
        findings += [
            Finding(repr(production), repr(value), f"{service.name}: {name}", given[name].since)
            for name, production in PRODUCTION_MODE.items()
            for value in dict.fromkeys((*given[name].running, given[name].resolved))
            if value is not None and value.strip() not in ("", production)
        ]
    evidence.judge(findings)
