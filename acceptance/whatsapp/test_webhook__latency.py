"""How fast the webhook answers Meta. D3 Success Criteria."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, quantiles
from typing import TYPE_CHECKING

from fixtures.criterion import Evidence, Finding, Unmeasured, criterion

if TYPE_CHECKING:
    from fixtures.canary.latency import Latency

AT_LEAST = 30


def shown(seconds: Sequence[float]) -> str:
    """Median, p95 and worst, in milliseconds."""
    p95 = quantiles(seconds, n=20)[-1]
    return ", ".join(
        f"{name} {1000 * s:.0f} ms" for name, s in (("median", median(seconds)), ("p95", p95), ("worst", max(seconds)))
    )


@criterion(
    "WHK-03",
    "95 % of inbound messages are answered within 300 ms, as their sender measures it, over at least 30 messages, and "
    "before the reply is made",
    severity="major",
    effect="canary",
    sources=["D3 Success Criteria"],
    remedy="Let the webhook store message and job, and answer before AI, Graph or the job runner is called.",
    sends=92,
    writes=["30 to 92 inbound messages from the canary's phone, their jobs and replies"],
)
def test_webhook_answers_fast(latency: Latency, evidence: Evidence) -> None:
    samples, counted = latency.samples, latency.counted
    evidence.examine(samples, "messages")
    told = [sample.server_s for sample in counted if sample.server_s is not None]
    evidence.record(
        "answers",
        counted=len(counted),
        held_up=len(samples) - len(counted),
        late=len(latency.late),
        waited_for_the_reply=list(latency.waited),
        client=shown([sample.client_s for sample in counted]) if len(counted) > 1 else "none",
        server=shown(told) if len(told) > 1 else "not told",
        health=shown([sample.health_s for sample in samples]),
    )
    if latency.waited and all(latency.waited):  # one could be a moment in which this machine had no time
        where = "POST /api/webhooks/whatsapp, an AI that takes two seconds"
        evidence.judge([Finding("an answer before the reply is made", "its job had ended when it came", where)])
    if len(counted) < AT_LEAST:
        raise Unmeasured(
            f"{len(samples) - len(counted)} of {len(samples)} messages came while /api/health alone was held up: "
            f"{shown([sample.health_s for sample in samples])}",
            "judge it from a machine that has time, or nearer to the deployment",
        )
    if latency.met:
        evidence.judge([])
        return
    client, health = shown([s.client_s for s in counted]), shown([s.health_s for s in counted])
    own = f"by the server's own time {shown(told)}" if len(told) > 1 else "the server tells no time of its own"
    found = (
        f"{len(latency.late)} of {len(counted)} later, or not taken: {client}; {own}; /api/health beside them {health}"
    )
    evidence.judge([Finding("95 % within 300 ms", found, "POST /api/webhooks/whatsapp")])
