"""The cron alone is enough. D3 B1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.delivered import Delivered
    from fixtures.facts.cron_calls import Schedule


@criterion(
    "CRN-09",
    "the cron alone is enough: where the webhook's kick does nothing, an inbound message is answered in two minutes",
    severity="critical",
    effect="disrupt",
    sources=["D3 B1", "D3 Success Criteria"],
    remedy="The kick is a convenience and can be lost. See that the cron runs every minute (CRN-07) and that the job "
    "runner takes its call ([CRON] job runner response statusCode=200).",
    sends=1,
    needs=["graph"],
    writes=["1 inbound message whose job falls due after the kick; the cron at a twelfth of its interval meanwhile"],
)
def test_cron_alone_is_enough(by_cron_alone: Delivered, schedule: Schedule, evidence: Evidence) -> None:
    delivery, waited = by_cron_alone.delivery, by_cron_alone.waited
    job, sent = waited.value, [request for request in by_cron_alone.graph_requests() if request.accepted]
    evidence.examine([delivery], "deliveries to the webhook")
    evidence.record(
        "delivery",
        job=job.id if job else None,
        state=job.state if job else "no job",
        seconds=round(waited.seconds, 1),
        accepted_by_graph=len(sent),
    )
    where = f"OutboundJob {job.id}" if job else f"OutboundJob of {delivery.provider_message_id}"
    if job is None or job.state != "done":
        state = f"{job.state}, error {job.error or 'none'}" if job else "no job"
        cron = f"service cron {schedule.state}, CRON_INTERVAL_SECONDS {schedule.interval or 'not set'}"
        evidence.judge([Finding("done by the cron's second call", f"{state}; {cron}", where)])
    evidence.judge([] if len(sent) == 1 else [Finding("1 reply that Graph accepted", str(len(sent)), where)])
