"""How the CRM is configured: what it must be told, and which of its doors are shut. Contract sections 1 and 6."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.facts.containers import ServiceFacts, Variable
    from fixtures.facts.web import Answer, Web

REQUIRED = (
    "DATABASE_URL",
    "DIRECT_URL",
    "AUTH_SECRET",
    "SESSION_SECRET",
    "WHATSAPP_ACCESS_TOKEN",
    "WHATSAPP_PHONE_NUMBER_ID",
    "WHATSAPP_VERIFY_TOKEN",
    "CRON_SECRET",
    "JOB_RUNNER_TOKEN",
)
DEVELOPMENT_DEFAULTS = (
    "dev-secret-change-in-production",
    "dev-token-change-in-production",
    "change-me-in-production",
)
WEB = "web"
ADDRESSES = ("DATABASE_URL", "DIRECT_URL")
# under a prefix that needs no session, though what they show is nobody's: the contract names no status for them
DEBUG_ROUTES = ("/api/jobs/debug", "/api/webhooks/whatsapp/debug")
APIS = (
    "/api/leads",
    "/api/messages",
    "/api/notifications",
    "/api/notifications/count",
    "/api/inbox/conversations",
    "/api/inbox/conversations/1",
    "/api/admin/outbound-jobs/status",
    *DEBUG_ROUTES,
)
PAGES = ("/", "/inbox")
SAID = {"error", "ok", "code", "message", "requestId"}  # what a refusal may say
SHORT = 1000  # bytes of a redirect: a page in it would be longer


def values(variable: Variable) -> list[tuple[str, str | None]]:
    """Where a variable is given, and what it says there."""
    running = [("in its container", value) for value in dict.fromkeys(variable.running)]
    return [*running, ("in the compose configuration", variable.resolved)]


def unset(value: str | None) -> str:
    """Why a value is none; "" for one that is."""
    return "not set" if value is None else "" if value.strip() else "empty"


@criterion(
    "CFG-01",
    "every required variable is set, running as configured; none has a development default",
    severity="critical",
    effect="observe",
    by_secrets=True,
    sources=["D3 Required Environment Variables"],
    remedy="Set the variable for production in the platform's settings (a new random value for a secret), and deploy.",
)
def test_required_variables_are_set(services: ServiceFacts, evidence: Evidence) -> None:
    findings = []
    for name in evidence.examine(REQUIRED, "required variables"):
        variable = services[WEB].variable(name)
        where = f"{WEB}: {name}"
        missing = [
            Finding("set", f"{unset(value)} {place}", where) for place, value in values(variable) if unset(value)
        ]
        findings += missing
        if not missing and not variable.agrees:
            findings.append(Finding("what is configured", "another value in its container", where, variable.since))
        evidence.record(name, containers=len(variable.running), set=not missing)
    for service in services:
        environments = [("in its container", each.environment) for each in service.containers]
        if service.resolved is not None:
            environments.append(("in the compose configuration", service.resolved.environment))
        findings += [
            Finding("a value of its own", f"the development default {value!r} {place}", f"{service.name}: {name}")
            for place, environment in environments
            for name, value in sorted(environment.items())
            if value.strip() in DEVELOPMENT_DEFAULTS
        ]
    evidence.judge(findings)


def database_of(url: str | None) -> str | None:
    """Database and schema that a PostgreSQL URL names; None where it is no such URL."""
    parts = urlsplit((url or "").strip())
    name = parts.path.strip("/")
    if parts.scheme not in ("postgres", "postgresql") or not name:
        return None
    return f"database {name}, schema {parse_qs(parts.query).get('schema', ['public'])[0]}"


@criterion(
    "CFG-04",
    "DATABASE_URL and DIRECT_URL are both set and name the same database and schema",
    severity="major",
    effect="observe",
    sources=["D3 Required Environment Variables"],
    remedy="Give both the same database; DIRECT_URL without the pooler. With another one, migrations go elsewhere.",
)
def test_both_addresses_name_one_database(services: ServiceFacts, evidence: Evidence) -> None:
    given = {service.name: [service.variable(name) for name in ADDRESSES] for service in services}
    users = {
        name: both
        for name, both in given.items()
        if name == WEB or any(value is not None for variable in both for _, value in values(variable))
    }
    findings, named = [], set()
    for service, both in evidence.examine(users.items(), "services with a database"):
        told = {}
        for variable in both:
            where = f"{service}: {variable.name}"
            for place, value in values(variable):
                database = database_of(value)
                if database is None:
                    findings.append(Finding("a PostgreSQL URL", f"{unset(value) or 'something else'} {place}", where))
                else:
                    told[f"{variable.name} {place}"] = database
        evidence.record(service, **{key.replace(" ", "_"): database for key, database in told.items()})
        named |= {(service, key, database) for key, database in told.items()}
    if len({database for _, _, database in named}) > 1:
        findings += [
            Finding("the same database", database, f"{service}: {key}") for service, key, database in sorted(named)
        ]
    evidence.judge(findings)


def refusal(answer: Answer, path: str) -> list[Finding]:
    """What is wrong with how an API refuses: the status, or what it tells all the same."""
    expected = (401, 403, 404) if path in DEBUG_ROUTES else (401,)
    findings = answer.findings(expected)
    if answer.status == 401 and answer.content_type == "application/json":
        document = answer.json()
        more = sorted(set(document) - SAID) if isinstance(document, dict) else ["a list"]
        if more:
            findings.append(Finding("an error and nothing else", f"members {more}", f"GET {path}"))
    elif answer.status == 401:
        findings.append(Finding('{"error":"Unauthorized"}', answer.content_type or "no content type", f"GET {path}"))
    return findings


def redirection(answer: Answer, path: str) -> list[Finding]:
    """What is wrong with how a page refuses: not to the login, or with the page in it."""
    findings = answer.findings(307)
    target = urlsplit(answer.headers.get("location", "")).path
    if answer.status == 307 and target != "/login":
        findings.append(Finding("to /login", f"to {target or 'nowhere'}", f"GET {path}"))
    if answer.status == 307 and len(answer.body) > SHORT:
        findings.append(Finding("a redirect without a page", f"{len(answer.body)} bytes", f"GET {path}"))
    return findings


@criterion(
    "CFG-03",
    "pages and APIs with customer data refuse the anonymous: APIs 401, pages 307 to /login",
    severity="critical",
    effect="observe",
    sources=["contract §1", "contract §7"],
    remedy="Let the middleware's matcher cover the path; under a public prefix a debug route checks for itself.",
)
@pytest.mark.parametrize("path", [*APIS, *PAGES])
def test_the_anonymous_are_refused(path: str, web: Web, evidence: Evidence) -> None:
    answer = web.get(path, public=True)
    evidence.examine([answer], "answers")
    evidence.record(path, status=answer.status, content_type=answer.content_type, size=len(answer.body))
    evidence.judge(redirection(answer, path) if path in PAGES else refusal(answer, path))


@criterion(
    "CFG-05",
    "GET /api/health answers 200 with its JSON, from outside and without a session",
    severity="major",
    effect="observe",
    sources=["contract §1"],
    remedy="Let /api/health pass the session gate, and answer it before anything is asked of the database.",
)
def test_health_is_public(web: Web, evidence: Evidence) -> None:
    answer = web.get("/api/health", public=True)
    evidence.examine([answer], "answers")
    evidence.record("health", status=answer.status, content_type=answer.content_type, elapsed_s=answer.elapsed_s)
    findings = answer.findings(200)
    if not findings:
        document = answer.json() if answer.content_type == "application/json" else None
        known = document if isinstance(document, dict) else {}
        first = known.get("status") == "ok" and bool(known.get("timestamp"))
        later = known.get("ok") is True and bool(known.get("buildId"))
        if not (first or later):
            shown = answer.text[:200] if document is not None else answer.content_type or "no content type"
            expected = "status ok with a timestamp, or ok true with a buildId"
            findings = [Finding(expected, shown, "GET /api/health")]
    evidence.judge(findings)
