"""Start-up and health: D1 step 6, D4, contract sections 2 and 8."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.containers import ServiceFacts
from fixtures.facts.deployment import Expected

if TYPE_CHECKING:
    from fixtures.facts.web import Answer, Web

REMOVED = "DISABLE_WARMUP"
# how each route is asked, and the status that its JSON names when all is well
HEALTH = {
    "direct /api/health": "ok",
    "direct /readyz": "ready",
    "public /api/health": "ok",
}


def dependencies(answer: Answer, inventory: Expected, where: str) -> list[Finding]:
    """What /readyz says of what it depends on: the database, and the bridge where there is one."""
    listed = answer.json().get("dependencies")
    if not isinstance(listed, dict):
        return [Finding("an object of dependencies", repr(listed), where)]
    needed = ["database"] if "baileys" in inventory.absent else ["database", "baileys_service"]
    states = dict.fromkeys(needed, "not listed") | listed
    return [Finding("healthy", repr(state), f"{where}: {name}") for name, state in states.items() if state != "healthy"]


@criterion(
    "STA-03",
    "now: /api/health and /readyz answer 200 with the documented JSON, directly and, where proxied, publicly",
    severity="critical",
    effect="observe",
    sources=["D1 Step 6", "D4 §3", "D4 Troubleshooting"],
    remedy="Direct: read the API's log and ask /readyz, which names the dependency that is missing. Public: see that "
    "nginx has `location /api/` with proxy_pass to prosaas-api for this Host name; reload nginx.",
)
@pytest.mark.parametrize("asked", HEALTH)
def test_health_now(asked: str, web: Web, inventory: Expected, evidence: Evidence) -> None:
    way, path = asked.split()
    answer = web.get(path, public=way == "public")
    evidence.examine([answer], "answers")
    evidence.record(asked, status=answer.status, content_type=answer.content_type, elapsed_s=round(answer.elapsed_s, 3))
    findings = [
        replace(finding, where=f"{way}: {finding.where}") for finding in answer.findings(200, status=HEALTH[asked])
    ]
    if path == "/readyz" and answer.content_type == "application/json" and answer.status == 200:
        findings += dependencies(answer, inventory, asked)
    evidence.judge(findings)


@criterion(
    "STA-07",
    "DISABLE_WARMUP is set nowhere",
    severity="minor",
    effect="observe",
    sources=["D4 Changes Made"],
    remedy="Remove DISABLE_WARMUP from the compose files; DISABLE_TTS_WARMUP skips the warm-up of TTS alone.",
)
def test_disable_warmup_is_gone(services: ServiceFacts, evidence: Evidence) -> None:
    findings = []
    for service in evidence.examine(list(services), "services"):
        flag = service.variable(REMOVED)
        if any(value is not None for value in flag.running):
            findings.append(Finding("not set", "set in its container", f"{service.name}: {REMOVED}", flag.since))
        if flag.resolved is not None:
            findings.append(Finding("not set", "set in the compose configuration", f"{service.name}: {REMOVED}"))
    evidence.judge(findings)


@criterion(
    "STA-10",
    "/health answers 200 through the public address, and not with the frontend's page",
    severity="minor",
    effect="observe",
    sources=["D1 Step 6"],
    remedy="Give nginx `location = /health` for the public Host name: its own answer, or proxy_pass to prosaas-api.",
)
def test_public_health_is_no_page(web: Web, evidence: Evidence) -> None:
    answer, page = web.get("/health", public=True), web.get("/", public=True)
    evidence.examine([answer], "answers")
    evidence.record("public /health", status=answer.status, content_type=answer.content_type, size=len(answer.body))
    findings = answer.findings(200)
    if answer.status == 200 and not answer.body:
        findings.append(Finding("an answer that says something", "an empty body", "GET /health, public"))
    if answer.status == 200 and (answer.content_type == "text/html" or (answer.body and answer.body == page.body)):
        findings.append(Finding("an answer of its own", f"a page ({answer.content_type})", "GET /health, public"))
    evidence.judge(findings)
