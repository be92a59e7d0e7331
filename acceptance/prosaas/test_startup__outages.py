"""What is said of a dependency that is gone, and that everything lives through it: D4 section 3, contract section 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.outages import Outage, Readiness, Survival


def not_ready(seen: Readiness, when: str) -> list[Finding]:
    """What is wrong with an answer that should be 200 and ready."""
    if seen.status == 200 and seen.says == "ready" and not seen.named:
        return []
    said = f"{seen.status} {seen.says} {dict(seen.dependencies)}"
    return [Finding("200 ready, everything healthy", said, f"/readyz {when}")]


@criterion(
    "STA-02",
    "/readyz is 200 only with database, Redis and the bridge; each one down alone gives 503 naming it and no other, "
    "back up gives 200",
    severity="critical",
    effect="disrupt",
    sources=["D4 §3", "contract §2"],
    remedy="Let /readyz ask each dependency anew at every request, with a deadline, and name it in `dependencies`.",
)
@pytest.mark.parametrize("dependency", ["database", "redis", "baileys_service"])
def test_readiness_names_what_is_down(dependency: str, outages: Mapping[str, Outage], evidence: Evidence) -> None:
    outage = outages[dependency]
    evidence.examine([outage.before, outage.gone, outage.back], "answers of /readyz")
    for when, seen in (("before", outage.before), ("gone", outage.gone), ("back", outage.back)):
        evidence.record(
            f"{dependency} {when}", status=seen.status, says=seen.says, dependencies=dict(seen.dependencies)
        )
    findings = not_ready(outage.before, "before")
    gone, where = outage.gone, f"/readyz while {dependency} is down"
    if gone.status != 503:
        findings.append(Finding("503", f"{gone.status or 'no answer'} {gone.says}", where))
    elif gone.says != "degraded":
        findings.append(Finding("status degraded", f"status {gone.says}", where))
    if gone.named != {dependency}:
        findings.append(Finding(f"{dependency} named, and no other", str(dict(gone.dependencies)), where))
    evidence.judge([*findings, *not_ready(outage.back, f"after {dependency} came back")])


@criterion(
    "STA-14",
    "database gone: /api/health says 503 within 10 s and no service exits; database back: 200 again and a job is done, "
    "without a restart",
    severity="major",
    effect="disrupt",
    sources=["D4 §3", "contract §2"],
    remedy="Ask the database at every request to /api/health, on a new connection with a deadline; let pools check "
    "their connections (pool_pre_ping), and schedulers outlive a failed tick.",
)
def test_services_live_through_an_outage(survival: Survival, evidence: Evidence) -> None:
    seen = survival
    evidence.examine(seen.states, "services")
    evidence.record(
        "outage", told=str(seen.told), said=seen.said, back=str(seen.back), job=str(seen.job), states=dict(seen.states)
    )
    findings = []
    if not seen.told.met or seen.told.seconds > seen.limit_s:
        said = f"{seen.told.value} after {seen.told.seconds:.0f} s"
        findings.append(Finding(f"503 within {seen.limit_s:g} s", said, "/api/health, database gone"))
    elif seen.said != "unhealthy":
        findings.append(Finding("503 unhealthy", f"503 {seen.said}", "/api/health, database gone"))
    for name, state in {**seen.ended, **seen.states}.items():
        if not state.startswith("running"):
            findings.append(Finding("running all the time", state, name))
    if not seen.back.met:
        said = f"{seen.back.value} after {seen.back.seconds:.0f} s"
        findings.append(Finding("200", said, "/api/health, database back"))
    if not seen.job.met:
        found = f"none within {seen.job.budget_s:g} s"
        findings.append(Finding("a due reminder is pushed", found, "worker, database back"))
    evidence.judge(findings)
