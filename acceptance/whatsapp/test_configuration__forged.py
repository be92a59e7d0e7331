"""What only the staff may see opens to no forged session, no wrong password, no other secret, no trusted header."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from acceptance.whatsapp.test_configuration import APIS, PAGES, redirection, refusal
from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.forged import Forged

SESSIONS = (
    "an empty session",
    "a wrong session",
    "a shortened session",
    "a halved session",
    "a lengthened session",
    "a session in other case",
    "a session without its signature",
    "a session that claims alg none",
)
LOGINS = (
    "a login with a wrong password",
    "a login with an empty password",
    "a login with the password in other case",
)
SECRETS = (
    "CRON_SECRET",
    "JOB_RUNNER_TOKEN",
    "WHATSAPP_VERIFY_TOKEN",
    "WHATSAPP_APP_SECRET",
    "dev-secret-change-in-production",
    "dev-token-change-in-production",
    "change-me-in-production",
)
HEADERS = (
    "x-vercel-cron",
    "x-middleware-subrequest",
    "a public path beside the real one",
    "a call from the machine itself",
)
OWN = "the session's own cookie"
ATTRIBUTES = ("HttpOnly", "Secure", "SameSite=Strict")
FORMS = (*SESSIONS, *LOGINS, *(f"{carrier} {name}" for name in SECRETS for carrier in ("bearer", "session")), *HEADERS)


@criterion(
    "CFG-06",
    "inbox, other customer data and debug routes refuse a forged session, a wrong password, the deployment's other "
    "secrets, defaults of the code base and headers that a middleware may trust; the session's cookie is kept safe",
    severity="critical",
    effect="canary",
    sources=["contract §1", "contract §7", "contract §6"],
    remedy="Check the whole session with its signature, compare the password's hash, set the cookie HttpOnly, Secure "
    "and SameSite=Strict, take no bearer where the staff sign in, "
    "and update the framework: x-middleware-subrequest must not skip the middleware.",
    writes=["nothing that stays: one login of the canary user, 3 with a wrong password, requests that are refused"],
)
@pytest.mark.parametrize("form", [*FORMS, OWN])
def test_the_forged_are_refused(form: str, forged: Forged, evidence: Evidence) -> None:
    if form == OWN:
        evidence.examine([form], "cookies")
        evidence.record(form, attributes=sorted(forged.attributes))
        evidence.judge(
            Finding(each, "not set", "POST /api/auth/login, cookie alaincrm_session")
            for each in ATTRIBUTES
            if each.lower() not in forged.attributes
        )
        return
    presented = evidence.examine(forged.present(form, [*APIS, *PAGES]), "answers")
    own = forged.still_open()
    evidence.record(form, statuses={each.path: each.answer.status for each in presented}, own_session=own.status)
    findings = []
    for each in presented:
        found = redirection(each.answer, each.path) if each.path in PAGES else refusal(each.answer, each.path)
        findings += [replace(finding, where=f"{finding.where}, with {form}") for finding in found]
    evidence.judge(findings)
