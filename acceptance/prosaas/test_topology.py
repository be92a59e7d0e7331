"""Which services run, and how well: D0a, D2, contract section 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acceptance.prosaas.reading import unwell
from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.containers import Service, ServiceFacts
from fixtures.facts.healthchecks import asked_paths, ignores_status, never_fails

if TYPE_CHECKING:
    from fixtures.facts.queue import QueueFacts, Worker

REQUIRED = ("nginx", "prosaas-api", "prosaas-calls", "worker", "redis", "frontend")
WITH_HEALTHCHECK = ("nginx", "prosaas-api", "prosaas-calls", "worker", "redis")
LEGACY = "legacy"
API, WORKER, READY = "prosaas-api", "worker", "/api/health"
QUEUES = "high,default,low,receipts,receipts_sync,maintenance,recordings,broadcasts"
WORKER_TTL_S = 420.0
PRODUCTION_MODE = {"PRODUCTION": "1", "FLASK_ENV": "production", "ENV": "production"}


def checked_in_vain(service: Service) -> list[Finding]:
    """Healthchecks, running and configured, that would call the service healthy whatever became of it."""
    checks = [(f"container {container.name}", container.healthcheck) for container in service.containers]
    checks.append(("compose configuration", service.resolved.healthcheck if service.resolved else None))
    return [
        Finding("a healthcheck that can fail", why, f"{service.name} ({where})", service.since)
        for where, check in checks
        if check is not None and check.test[0] != "NONE" and (why := never_fails(check))
    ]


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
    evidence.judge([*unwell(service), *checked_in_vain(service)] if name in WITH_HEALTHCHECK else [])


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


@criterion(
    "TOP-05",
    "the worker waits for a healthy API, and the API's healthcheck asks /api/health and fails on another status",
    severity="critical",
    effect="observe",
    sources=["D0a §1", "D4 §3"],
    remedy="Under worker set depends_on: prosaas-api: condition: service_healthy; give prosaas-api a healthcheck such "
    'as ["CMD", "curl", "-fsS", "http://localhost:5000/api/health"]; then ./scripts/dcprod.sh up -d.',
)
def test_worker_waits_for_a_healthy_api(services: ServiceFacts, evidence: Evidence) -> None:
    worker, api = services[WORKER], services[API]
    condition = worker.resolved.depends_on.get(API, "no dependency") if worker.resolved else "not defined"
    evidence.record(WORKER, depends_on=condition)
    findings = []
    if condition != "service_healthy":
        findings.append(Finding(f"service_healthy for {API}", condition, f"{WORKER}: depends_on"))
    running = {f"{API} (container {container.name})": container.healthcheck for container in api.containers}
    checks = running | {f"{API} (compose configuration)": api.resolved.healthcheck if api.resolved else None}
    for where, check in evidence.examine(checks.items(), "healthchecks of the API"):
        if check is None:
            findings.append(Finding("a healthcheck", "none", where, api.since))
            continue
        paths = asked_paths(check)
        evidence.record(where, test=" ".join(check.test)[:200])
        if paths != [READY]:
            findings.append(Finding(f"asks {READY}", f"asks {', '.join(paths) or 'no URL'}", where, api.since))
        if why := ignores_status(check):
            findings.append(Finding("fails on a status other than 200", why, where, api.since))
    evidence.judge(findings)


def registered_by(worker: Worker, service: Service) -> bool:
    """Whether a registration comes from one of the service's containers: by host name, or by its id in the name."""
    for container in service.containers:
        short = container.id[:12]
        if worker.hostname in (short, container.name, container.environment.get("HOSTNAME")) or short in worker.name:
            return True
    return False


@criterion(
    "TOP-06",
    "a live RQ worker is registered from the worker service, beats, and listens to every queue of RQ_QUEUES",
    severity="critical",
    effect="observe",
    sources=["D0a Verify Deployment", "D1 Troubleshooting"],
    remedy="Read the worker's log from its start (is rq installed, is Redis reachable?), compare RQ_QUEUES with the "
    "line that says what it listens to; then ./scripts/dcprod.sh up -d worker.",
)
def test_worker_is_registered(services: ServiceFacts, queue: QueueFacts, evidence: Evidence) -> None:
    service = services[WORKER]
    evidence.examine([f"{WORKER}: rq:workers"], "registries of workers")
    own = [worker for worker in queue.workers if registered_by(worker, service)]
    others = [worker.name for worker in queue.workers if worker not in own]
    evidence.record("rq:workers", own=len(own), elsewhere=others, lapsed=len(queue.lapsed))
    if not own:
        found = f"no RQ worker; registered from elsewhere: {', '.join(others)}" if others else "no RQ worker"
        evidence.judge([Finding("a registered RQ worker", found, WORKER, service.since)])
    beating = [worker for worker in own if worker.silent_s is not None and worker.silent_s < WORKER_TTL_S]
    findings = []
    for worker in own:
        evidence.record(worker.name, silent_s=worker.silent_s, ttl_s=worker.ttl_s, queues=list(worker.queues))
        if worker not in beating:
            silent = "none" if worker.silent_s is None else f"{worker.silent_s:.0f} s ago"
            where = f"{WORKER}: {worker.name}"
            findings.append(Finding(f"a heartbeat within {WORKER_TTL_S:.0f} s", f"last heartbeat {silent}", where))
    if beating:
        findings = []  # who beats no more beside it is a predecessor whose registration has not lapsed yet
    named = (service.variable("RQ_QUEUES").value or QUEUES).split(",")
    heard = {name for worker in beating or own for name in worker.queues}
    findings += [
        Finding("a worker listens to it", "nobody does", f"{WORKER}: queue {name.strip()}", service.since)
        for name in named
        if name.strip() and name.strip() not in heard
    ]
    evidence.judge(findings)
