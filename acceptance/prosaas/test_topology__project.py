"""The compose project as a whole: what else runs, restarts or is published. D1, D2, contract section 1."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.containers import ServiceFacts
from fixtures.facts.deployment import Expected
from fixtures.facts.transport import Container

if TYPE_CHECKING:
    from fixtures.facts.web import Web

UP = ("running", "restarting", "paused")
INTERNAL = ("prosaas-api", "prosaas-calls", "redis", "baileys", "n8n")
RESTARTS_ALLOWED, YOUNG_S = 3, 3600.0


@criterion(
    "TOP-03",
    "no local `db` runs, and no DATABASE_URL names a service or container of the compose project",
    severity="major",
    effect="observe",
    sources=["D2 Services in Production"],
    remedy="./scripts/dcprod.sh stop db && ./scripts/dcprod.sh rm -f db; let DATABASE_URL name the managed database.",
)
def test_database_is_not_local(services: ServiceFacts, evidence: Evidence) -> None:
    local = services["db"]
    findings = [
        Finding("no running container of db", f"{container.name} is {container.state}", "db", local.since)
        for container in local.containers
        if container.state in UP
    ]
    inside = {name for c in services.containers for name in (c.name, c.id[:12])} | {s.name for s in services}
    for service in evidence.examine(list(services), "services"):
        flag = service.variable("DATABASE_URL")
        # only the host leaves this: the rest of the URL is a secret
        hosts = {urlsplit(url).hostname or "" for url in (*flag.running, flag.resolved) if url and "://" in url}
        findings += [
            Finding("a managed database", f"{host}, of this project", f"{service.name}: DATABASE_URL", flag.since)
            for host in sorted(hosts & inside)
        ]
    evidence.judge(findings)


@criterion(
    "TOP-08",
    "no service is restarting, no restart count grows during the run, and none created within the last hour "
    "has restarted more than 3 times",
    severity="major",
    effect="observe",
    sources=["D1 Troubleshooting"],
    remedy="Read the last lines of the service before each of its ends: ./scripts/dcprod.sh logs SERVICE.",
)
def test_nothing_is_in_a_crash_loop(
    services: ServiceFacts, seen_again: Sequence[Container], evidence: Evidence
) -> None:
    before = {container.id: container.restart_count for container in services.containers}
    findings = []
    for container in evidence.examine(seen_again, "containers, read twice"):
        count, age_s = container.restart_count, (services.read_at - container.created_at).total_seconds()
        evidence.record(container.service, state=container.state, restarts=count, before=before.get(container.id))
        if container.state == "restarting":
            findings.append(Finding("running", f"restarting, for the {count}th time", container.service))
        if count > before.get(container.id, count):
            grown = f"restarted {count} times, {before[container.id]} times at the first reading"
            findings.append(Finding("no restart during the run", grown, container.service))
        elif count > RESTARTS_ALLOWED and age_s < YOUNG_S:
            found = f"restarted {count} times in {age_s:.0f} s"
            findings.append(Finding(f"at most {RESTARTS_ALLOWED} restarts in its first hour", found, container.service))
    evidence.judge(findings)


@criterion(
    "TOP-11",
    "nothing else runs in the project: no service beside the required, the enabled and the inventory's, "
    "no orphan, no second container without declared replicas",
    severity="major",
    effect="observe",
    sources=["D0b §4", "D2 Services in Production"],
    remedy="./scripts/dcprod.sh up -d --remove-orphans; stop and remove what does not belong there, or name it in the "
    "inventory under `also`.",
)
def test_nothing_else_runs(services: ServiceFacts, inventory: Expected, evidence: Evidence) -> None:
    topology = services.topology
    known = {*topology.required, *topology.application, *topology.optional, *inventory.also}
    findings = []
    for service in evidence.examine(list(services), "services"):
        up = [container for container in service.containers if container.state in UP]
        evidence.record(service.name, up=len(up), replicas=service.resolved.replicas if service.resolved else None)
        if not up:
            continue
        names = ", ".join(container.name for container in up)
        if service.resolved is None:
            findings.append(Finding("defined in a compose file", f"orphan: {names}", service.name, service.since))
        elif service.name not in known:
            findings.append(Finding("required, optional or named by the inventory", names, service.name, service.since))
        elif len(up) > service.resolved.replicas:
            declared = f"{service.resolved.replicas} as declared"
            findings.append(Finding(declared, f"{len(up)} containers: {names}", service.name, service.since))
    evidence.judge(findings)


def public(address: str) -> bool:
    """Whether what is published there can be reached from outside: on all addresses, or on one of the internet's."""
    found = ip_address(address or "0.0.0.0")
    return found.is_unspecified or found.is_global


@criterion(
    "TOP-12",
    "nginx publishes http and https and answers on them; no internal port is published on a public address",
    severity="major",
    effect="observe",
    sources=["D2 Services in Production", "contract §1"],
    remedy="Publish 80 and 443 on nginx alone; remove `ports` from the other services, or bind them to 127.0.0.1.",
)
def test_only_the_edge_is_published(services: ServiceFacts, web: Web, evidence: Evidence) -> None:
    published = {
        (service.name, place): ports
        for service in services
        for place, ports in (
            *((f"container {c.name}", c.ports) for c in service.containers),
            *([("the compose configuration", service.resolved.ports)] if service.resolved else []),
        )
    }
    evidence.examine(published, "lists of ports")
    findings = []
    for (name, place), ports in published.items():
        evidence.record(f"{name}: {place}", ports=[f"{p.address}:{p.host_port}->{p.container_port}" for p in ports])
        if name == "nginx":
            there = {port.host_port for port in ports}
            findings += [
                Finding(f"{scheme} on port {port}", f"not published in {place}", name)
                for scheme, port in web.edge_ports.items()
                if port not in there
            ]
        findings += [
            Finding("no public address", f"port {p.container_port} on {p.address} in {place}", name)
            for p in ports
            if name in INTERNAL and public(p.address)
        ]
    for scheme in web.edge_ports:
        answer = web.get("/health", plain=scheme == "http", public=scheme == "https")
        evidence.record(f"nginx: {scheme}", status=answer.status)
        if answer.status >= 500 or not answer.headers:
            findings.append(Finding("an answer", f"status {answer.status}", f"nginx: {scheme}"))
    evidence.judge(findings)
