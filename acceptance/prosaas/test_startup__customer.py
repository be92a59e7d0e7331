"""A customer can get in and see their own: D4 Troubleshooting, contract section 10."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.visit import Visit
    from fixtures.facts.web import Answer


def own_data(visit: Visit, me: Answer, page: Answer) -> list[Finding]:
    """What the signed-in user was told about themselves, and one page of what belongs to their business."""
    findings = me.findings(200, success=True) + page.findings(200, success=True)
    if not findings:
        user, leads = me.json().get("user"), page.json().get("leads")
        told = user.get("id") if isinstance(user, dict) else None
        if told != visit.user_id:
            findings.append(Finding(f"user.id {visit.user_id}", repr(told), "GET /api/auth/me"))
        if not isinstance(leads, list):
            findings.append(Finding("a list of leads", type(leads).__name__, "GET /api/leads"))
        for lead in visit.foreign or ():
            findings.append(Finding("leads of the user's business", f"lead {lead} of another's", "GET /api/leads"))
    return findings


@criterion(
    "STA-13",
    "over the public address the canary user logs in and reads one page of own data, and of nobody else's, with no 5xx",
    severity="critical",
    effect="canary",
    sources=["D4 Troubleshooting (Login)", "D4 What NOT To Do"],
    remedy="500: read the API's log of that moment, and that the migrations are complete (/api/health). HTML: let "
    "nginx pass `location /api/` to prosaas-api for this Host name.",
    writes=["1 session of the canary user, logged out at once"],
)
def test_a_customer_gets_in(customer_visit: Visit, evidence: Evidence) -> None:
    visit = customer_visit
    answers = evidence.examine([a for a in (visit.login, visit.me, visit.page) if a is not None], "answers")
    for answer in answers:
        evidence.record(f"{answer.method} {answer.path}", status=answer.status, elapsed_s=round(answer.elapsed_s, 3))
    findings = visit.login.findings(200, success=True)
    if visit.login.status == 200 and not visit.signed_in:
        findings.append(Finding("the cookie al_sess", "not set", "POST /api/auth/login"))
    if visit.me is not None and visit.page is not None:
        compared = "not compared" if visit.foreign is None else len(visit.foreign)
        evidence.record("leads on the page", listed=len(visit.leads), of_others=compared)
        findings += own_data(visit, visit.me, visit.page)
    evidence.judge(findings)
