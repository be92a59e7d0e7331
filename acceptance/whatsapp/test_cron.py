"""Who may trigger the outbound jobs, and what an authorised trigger answers. D3 B1, contract section 1."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from acceptance.whatsapp.refusal import WRONG, let_in
from fixtures.criterion import Evidence, Finding, NotApplicable, criterion

if TYPE_CHECKING:
    from fixtures.canary.cron import Cron
    from fixtures.facts.deployment import Expected

ROUTE = "GET /api/cron/run-outbound-jobs"
AUTH_METHODS = {"bearer": "bearer", "token": "query", "x-vercel-cron": "vercel"}


@criterion(
    "CRN-01",
    "cron without, with a wrong, empty, shortened or lengthened credential, as bearer and as token: 401, nothing runs",
    severity="critical",
    effect="probe",
    sources=["D3 B1"],
    remedy="Compare the whole credential with CRON_SECRET in constant time, refuse an empty one, and answer 401 before "
    "anything is run; then set a new CRON_SECRET.",
    requests=["16 requests to the cron route that must be refused"],
)
@pytest.mark.parametrize("form", WRONG)
def test_wrong_credential_is_refused(form: str, cron: Cron, evidence: Evidence) -> None:
    before = cron.job_states()
    answer = cron.with_wrong(form)
    evidence.examine([answer], "answers")
    evidence.judge(let_in(cron, before, answer, evidence))


@criterion(
    "CRN-02",
    "cron with the right credential, as bearer and as ?token=: 200 with the documented JSON",
    severity="critical",
    effect="canary",
    sources=["D3 B1", "D3 Post-Deployment 1"],
    remedy="Let /api/cron/* pass the session gate, compare with CRON_SECRET in the route, and answer what the contract "
    "documents.",
    writes=["nothing of its own: the jobs that are due are run, as the cron itself would"],
)
@pytest.mark.parametrize("carrier", sorted(AUTH_METHODS))
def test_right_credential_runs_the_jobs(carrier: str, cron: Cron, inventory: Expected, evidence: Evidence) -> None:
    if carrier == "x-vercel-cron" and not inventory.trust_vercel_header:
        raise NotApplicable("x-vercel-cron is not trusted here (inventory: trust_vercel_header): CRN-03 has it refused")
    answer = cron.with_vercel_header() if carrier == "x-vercel-cron" else cron.with_right(carrier)
    document = answer.document
    evidence.examine([answer], "answers")
    evidence.record(carrier, status=answer.status, members=sorted(document), request_id=answer.request_id)
    where = f"{ROUTE}, credential right, as {carrier}"
    if answer.status != 200 or not document:
        found = f"{answer.status} {answer.answer.content_type}, members {sorted(document)}"
        evidence.judge([Finding("200 with JSON", found, where)])
    findings = []
    if document.get("ok") is not True:
        findings.append(Finding("ok: true", f"ok: {document.get('ok')!r}", where))
    result = document.get("jobRunnerResult")
    if "processed" not in document and not isinstance(result, dict):
        findings.append(Finding("jobRunnerResult, or processed", f"members {sorted(document)}", where))
    elif isinstance(result, dict) and ("error" in result or result.get("ok") is False):
        findings.append(Finding("a runner that succeeded", f"jobRunnerResult {sorted(result)}", where))
    if "processed" not in document and document.get("authMethod") != AUTH_METHODS[carrier]:
        expected = f"authMethod {AUTH_METHODS[carrier]}"
        findings.append(Finding(expected, f"authMethod {document.get('authMethod')!r}", where))
    if not re.fullmatch(r"(cron|req)_[\w-]+", answer.request_id):
        findings.append(Finding("a requestId", answer.request_id or "none", where))
    evidence.judge(findings)
