"""What the runner logs of a job. D3 Post-Deployment 5, contract section 5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.delivered import Delivered
    from fixtures.canary.job_lines import Stage

STAGES = (
    "picked",
    "Loading conversation",
    "Conversation loaded",
    "Loading inbound message",
    "Inbound message loaded",
    "Running orchestrator",
    "Orchestrator complete",
    "before sendOutboundWithIdempotency",
    "outbound sent",
    "Message row confirmed",
    "completed successfully",
)


@criterion(
    "JOB-07",
    "the job's stages are logged in order, with one requestId on all its lines: job_..., or the enqueuing request's",
    severity="minor",
    effect="canary",
    sources=["D3 Post-Deployment 5"],
    remedy="Log each stage of src/app/api/jobs/run-outbound/route.ts with jobId and the requestId that the job was "
    "picked with.",
    sends=1,
    writes=["the delivery of JOB-01"],
)
def test_stages_are_logged_in_order(delivered: Delivered, job_stages: list[Stage], evidence: Evidence) -> None:
    job = delivered.waited.value
    where = f"log of web, OutboundJob {job.id if job else 'missing'}"
    evidence.examine([delivered.delivery], "deliveries to the webhook")
    # a stage of a second attempt is no other stage
    seen = list(dict.fromkeys(stage.name for stage in job_stages))
    ids = sorted({stage.request_id for stage in job_stages})
    evidence.record("stages", found=[stage.name for stage in job_stages], request_ids=ids)
    findings = [Finding(f"the stage '{name}'", "not logged", where) for name in STAGES if name not in seen]
    expected = [name for name in STAGES if name in seen]
    if seen != expected:
        first = next(name for name, right in zip(seen, expected, strict=True) if name != right)
        findings.append(Finding("the stages in order", f"'{first}' too early: {', '.join(seen)}", where))
    enqueued = {delivered.delivery.request_id, job.request_id if job else ""} - {""}
    if len(ids) != 1:
        findings.append(
            Finding("one requestId on all lines", f"{len(ids)}: {', '.join(i or 'none' for i in ids)}", where)
        )
    findings += [
        Finding("requestId job_... or the enqueuing request's", request_id or "none", where)
        for request_id in ids
        if not request_id.startswith(f"job_{job.id if job else ''}_") and request_id not in enqueued
    ]
    evidence.judge(findings)
