"""Who the webhook lets in: Meta's verify handshake, and the signature of each delivery. D3, contract section 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.handshake import Handshake
    from fixtures.canary.webhook import Webhook

HANDSHAKE, DELIVERY = "GET /api/webhooks/whatsapp", "POST /api/webhooks/whatsapp"
SHAKEN = {
    "right token": 200,
    **dict.fromkeys(("wrong token", "shortened token", "lengthened token", "in other case token", "other mode"), 403),
    **dict.fromkeys(("no hub.mode", "no hub.verify_token", "no hub.challenge"), 400),
}
FORGERIES = (
    "missing",
    "empty",
    "wrong",
    "shortened by one",
    "halved",
    "the algorithm alone",
    "lengthened",
    "in capitals",
    "without its algorithm",
    "sha1",
    "sha512",
    "of another body",
    "plain hash",
    "its algorithm in capitals",
    "after a wrong one",
    "sha1, in the old header",
    "by WHATSAPP_VERIFY_TOKEN",
    "by CRON_SECRET",
    "by JOB_RUNNER_TOKEN",
    "by dev-secret-change-in-production",
    "by dev-token-change-in-production",
    "by change-me-in-production",
)


@criterion(
    "WHK-01",
    "verify handshake: the challenge comes back as it was sent; a wrong token is 403, a missing parameter 400",
    severity="major",
    effect="observe",
    by_secrets=True,
    sources=["D3 Required Environment Variables"],
    remedy="Set WHATSAPP_VERIFY_TOKEN to what Meta's console has; compare mode and whole token before the challenge "
    "goes back as text/plain.",
)
@pytest.mark.parametrize("form", SHAKEN)
def test_handshake(form: str, handshake: Handshake, evidence: Evidence) -> None:
    shaken = handshake.shake(form)
    answer, where = shaken.answer, f"{HANDSHAKE}, {form}"
    evidence.examine([answer], "answers")
    evidence.record(form, status=answer.status, content_type=answer.content_type, length=len(answer.body))
    findings = []
    if answer.status != SHAKEN[form]:
        findings.append(Finding(str(SHAKEN[form]), str(answer.status), where))
    if shaken.token and shaken.token in answer.text:
        findings.append(Finding("the token in no answer", "it is repeated", where))
    if form != "right token":
        if shaken.challenge in answer.text:
            findings.append(Finding("no challenge", "the challenge came back", where))
        evidence.judge(findings)
        return
    if answer.text != shaken.challenge:
        findings.append(Finding("the challenge as it was sent", f"another text of {len(answer.body)} bytes", where))
    if answer.content_type != "text/plain":
        findings.append(Finding("text/plain", answer.content_type or "no content type", where))
    evidence.judge(findings)


@criterion(
    "WHK-02",
    "a delivery whose signature is missing, wrong, cut, by another algorithm or secret is refused, and nothing stored",
    severity="critical",
    effect="probe",
    sources=["D3 Required Environment Variables", "contract §1"],
    remedy="Set WHATSAPP_APP_SECRET, and compare the whole header with sha256= and the HMAC of the raw body, in "
    "constant time, before anything is read or written.",
    requests=[f"{len(FORGERIES)} messages from the canary's phone that must be refused"],
)
@pytest.mark.parametrize("form", FORGERIES)
def test_forged_delivery_is_refused(form: str, webhook: Webhook, evidence: Evidence) -> None:
    forged, where = webhook.forge(form), f"{DELIVERY}, signature {form}"
    evidence.examine([forged], "answers")
    evidence.record(form, status=forged.status, stored=dict(forged.stored))
    findings = []
    if forged.status not in (401, 403):
        findings.append(Finding("401 or 403", str(forged.status or "no answer"), where))
    if forged.stored:
        found = ", ".join(f"{count} {table}" for table, count in sorted(forged.stored.items()))
        findings.append(Finding("nothing stored", found, where))
    evidence.judge(findings)
