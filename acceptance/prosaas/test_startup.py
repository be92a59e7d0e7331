"""Start-up and health: D1 step 6, D4, contract sections 2 and 8."""

from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.containers import ServiceFacts

REMOVED = "DISABLE_WARMUP"


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
