"""Queues move: D1, contract sections 1 and 5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.facts.queue import QueueFacts, Worker
    from fixtures.facts.waiting_jobs import Waiting

LIMIT_S = 60.0
WORKER_TTL_S = 420.0


def at_rest(worker: Worker) -> bool:
    """Whether a worker is idle or silent: one that is busy cannot take another job."""
    return worker.state != "busy" or worker.silent_s is None or worker.silent_s > WORKER_TTL_S


@criterion(
    "REC-09",
    "queues move: no due job in any queue of RQ_QUEUES has waited longer than 60 s while a worker that listens to it "
    "is idle or silent",
    severity="critical",
    effect="observe",
    sources=["D1 Performance Expectations", "D1 Troubleshooting"],
    remedy="See whether the worker is suspended (rq resume), hangs, or does not listen to the queue (RQ_QUEUES); then "
    "./scripts/dcprod.sh restart worker.",
)
def test_queues_move(waiting_jobs: list[Waiting], queue: QueueFacts, evidence: Evidence) -> None:
    findings = []
    for waiting in evidence.examine(waiting_jobs, "queues"):
        listening = queue.listening_to(waiting.queue)
        resting = [worker for worker in listening if at_rest(worker)]
        evidence.record(
            waiting.queue, length=waiting.length, oldest_s=waiting.oldest_s, listening=len(listening), idle=len(resting)
        )
        if waiting.oldest_s is not None and waiting.oldest_s > LIMIT_S and (resting or not listening):
            who = f"{resting[0].name} is {resting[0].state or 'silent'}" if resting else "nobody listens to it"
            found = f"job {waiting.oldest} waits for {waiting.oldest_s:.0f} s, and {who}"
            findings.append(Finding(f"taken within {LIMIT_S:.0f} s", found, f"queue {waiting.queue}"))
    evidence.judge(findings)
