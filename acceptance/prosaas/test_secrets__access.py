"""Nobody gets in who should not: contract section 10."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.anonymous import Anonymous

GUARDED = (
    "POST /api/admin/run-migrations",
    "POST /api/auth/init-admin",
    "GET /api/admin/businesses",
    "GET /api/admin/leads",
    "POST /api/whatsapp/prompts/0",  # of no business
    "GET /api/receipts/queue/diagnostics",
    "POST /api/internal/whatsapp/status-webhook",
    "GET /api/debug/routes",
    "GET /api/push/vapid-public-key",
    "POST /api/push/subscribe",
    "POST /api/push/unsubscribe",
    "POST /api/push/test",
)
DEFAULT = {"email": "admin@admin.com", "password": "admin123"}
LOGIN = f"log in as {DEFAULT['email']}"
MISTYPED = "log in as the canary user with another password"


@criterion(
    "SEC-04",
    "administrative and internal routes and those of push refuse the anonymous, and neither default credentials nor a "
    "wrong password log in",
    severity="critical",
    effect="probe",
    sources=["contract §10", "contract §6"],
    remedy="Put admin_required, session_required or the internal secret before the route named above; "
    "delete the user with default credentials, and look for what was done in its name; log in only where "
    "check_password_hash said so.",
    requests=[
        *(f"{guarded}, without a session (GET where this run did not provision the deployment)" for guarded in GUARDED),
        "POST /api/auth/login with the default credentials of the code base, once",
        "POST /api/auth/login as the canary user with a password that is not theirs, once",
    ],
)
@pytest.mark.parametrize("asked", [*GUARDED, LOGIN, MISTYPED])
def test_nobody_gets_in(asked: str, anonymous: Anonymous, evidence: Evidence) -> None:
    if asked == LOGIN:
        answer, refusal = anonymous.log_in(DEFAULT), [401]
    elif asked == MISTYPED:
        answer, refusal = anonymous.mistype(), [401]
    else:
        method, path = asked.split()
        answer = anonymous.ask(method, path)
        # a route that is not there for GET has refused it too
        refusal = [401, 403] if answer.method == method else [401, 403, 404, 405]
    evidence.examine([answer], "answers")
    evidence.record(asked, method=answer.method, status=answer.status, content_type=answer.content_type)
    findings = answer.findings(refusal)
    if "al_sess" in answer.cookies:
        findings.append(Finding("no session", "the cookie al_sess", asked))
    evidence.judge(findings)
