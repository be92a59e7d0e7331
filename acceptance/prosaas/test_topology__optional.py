"""The optional services, where they are enabled: baileys and n8n. D2, D4, contract section 1."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from acceptance.prosaas.reading import unwell
from fixtures.criterion import CheckError, Evidence, Finding, NotApplicable, criterion
from fixtures.facts.containers import Service, ServiceFacts
from fixtures.facts.deployment import Expected

if TYPE_CHECKING:
    from fixtures.facts.web import Web

BAILEYS, N8N = "baileys", "n8n"
EDITOR, ADDRESSES, OWN_HOST = "N8N_EDITOR_BASE_URL", ("N8N_EDITOR_BASE_URL", "WEBHOOK_URL"), "N8N_DB_HOST"


def enabled(name: str, services: ServiceFacts, inventory: Expected) -> Service:
    """The service, where the inventory does not say that this deployment has none."""
    if name in inventory.absent:
        raise NotApplicable(f"this deployment has no {name} (inventory: absent)")
    return services[name]


@criterion(
    "TOP-04",
    "optional services that are enabled are healthy, and n8n answers under its own Host name through nginx",
    severity="major",
    effect="observe",
    sources=["D2 Services in Production", "D4 Troubleshooting"],
    remedy="./scripts/dcprod.sh up -d SERVICE, and read its log; for the route: a server block with n8n's server_name "
    "and proxy_pass to n8n:5678, then reload nginx. What is not used: name it in the inventory under `absent`.",
)
@pytest.mark.parametrize("asked", [BAILEYS, N8N, "n8n's route"])
def test_optional_services_are_well(
    asked: str, services: ServiceFacts, inventory: Expected, web: Web, evidence: Evidence
) -> None:
    service = enabled(BAILEYS if asked == BAILEYS else N8N, services, inventory)
    evidence.examine([service], "optional services")
    if asked in (BAILEYS, N8N):
        evidence.record(asked, state=service.state, health=service.health)
        evidence.judge(
            unwell(service) if service.running else [Finding("running", service.state, asked, service.since)]
        )
        return
    host = urlsplit(service.variable(EDITOR).value or "").hostname
    if not host:
        raise CheckError(f"n8n's Host name is not known: {EDITOR} names none")
    health = web.get("/healthz", headers={"Host": host}, public=True)
    page, frontend = web.get("/", headers={"Host": host}, public=True), web.get("/", public=True)
    evidence.record(host, status=health.status, content_type=health.content_type, page=page.status)
    findings = [
        Finding(f.expected, f.found, f"Host {host}: {f.where}", f.since) for f in health.findings(200, status="ok")
    ]
    if page.status == frontend.status and page.body == frontend.body:
        findings.append(Finding("n8n's editor", "the frontend's page", f"Host {host}: GET /"))
    evidence.judge(findings)


@criterion(
    "TOP-07",
    "n8n has N8N_PATH=/, editor and webhook URLs without a sub-path, and a database host of its own",
    severity="minor",
    effect="observe",
    sources=["D4 Changes Made", "D0a §3"],
    remedy="Under n8n set N8N_PATH: /, N8N_EDITOR_BASE_URL and WEBHOOK_URL to https://<n8n's host name>, N8N_DB_HOST "
    "to its database's host, and remove DATABASE_URL; then ./scripts/dcprod.sh up -d n8n.",
)
def test_n8n_stands_for_itself(services: ServiceFacts, inventory: Expected, evidence: Evidence) -> None:
    service = enabled(N8N, services, inventory)
    evidence.examine([service], "services")
    findings = service.variable("N8N_PATH").findings("/")
    if not service.containers:
        findings.append(Finding("running, as the inventory does not name it absent", "absent", N8N))
    for name in ADDRESSES:
        flag = service.variable(name)
        for url in dict.fromkeys((*flag.running, flag.resolved)):
            parts = urlsplit(url or "")
            if not parts.hostname or parts.path not in ("", "/"):
                findings.append(Finding("a URL without a sub-path", url or "not set", f"{N8N}: {name}", flag.since))
    own, ours = service.variable(OWN_HOST), service.variable("DATABASE_URL")
    if not all((own.resolved, *own.running)):
        findings.append(Finding("a host of its own", "not set", f"{N8N}: {OWN_HOST}", own.since))
    if any((ours.resolved, *ours.running)):
        findings.append(Finding("not set", "set", f"{N8N}: DATABASE_URL", ours.since))
    evidence.record(N8N, path=service.variable("N8N_PATH").resolved, host_of_its_own=bool(own.resolved))
    evidence.judge(findings)
