"""Receipts: a synchronisation started by a user comes to its end. D0a, contract sections 3 and 10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.patterns import PATTERNS

if TYPE_CHECKING:
    from fixtures.canary.receipts import Receipts
    from fixtures.facts.waiting_jobs import FailedJob

ENDED_S = 60.0
SCHEMA_ERROR = PATTERNS["schema.undefined"].expression
MIGRATE = "./scripts/dcprod.sh exec prosaas-api python -m prosaas.migrate, then restart the worker."


@criterion(
    "SCH-06",
    "a receipt sync started through the public interface ends completed: receipt_sync_runs row completed with "
    "finished_at, counters as our mailbox held them, no error_message",
    severity="critical",
    effect="canary",
    sources=["D0a Acceptance Criteria", "contract §3"],
    remedy=f"Read the run's error_message and the worker's log; a column that is not there: {MIGRATE}",
    needs=["mail"],
    writes=["1 receipt sync run of the canary's business, with 4 receipts", "6 messages in our mailbox"],
)
def test_receipt_sync_completes(receipts: Receipts, evidence: Evidence) -> None:
    sync = receipts.sync()
    waited = receipts.finished(sync, ENDED_S)
    evidence.examine([sync.job_id or sync.day.isoformat()], "receipt syncs")
    findings = []
    if (sync.answered, sync.queued) != (202, "queued") or not sync.job_id:
        found = f"{sync.answered} with status {sync.queued!r} and job_id {sync.job_id!r}"
        findings.append(Finding("202 with job_id and status queued", found, "POST /api/receipts/sync"))
    if len(waited.value) != 1:
        found = f"{len(waited.value)} rows after {waited.seconds:.0f} s"
        evidence.judge([*findings, Finding("one run", found, f"receipt_sync_runs: job {sync.job_id}")])
    (run,) = waited.value
    wanted = {
        "status": "completed",
        "error_message": None,
        "messages_scanned": sync.receipts + sync.others,
        "saved_receipts": sync.receipts,
        "skipped_count": sync.others,
        "errors_count": 0,
    }
    where = f"receipt_sync_runs row {run['id']}"
    evidence.record(
        where,
        finished=str(run.get("finished_at")),
        read=len(receipts.read_by(sync)),
        **{name: run.get(name) for name in wanted},
    )
    findings += [
        Finding(f"{name} {value}", f"{name} {run.get(name, 'is no column')}", where)
        for name, value in wanted.items()
        if name not in run or run[name] != value
    ]
    if run.get("finished_at") is None:
        findings.append(Finding("finished_at", "not finished", where))
    if not receipts.read_by(sync):
        findings.append(Finding("messages read from our mailbox", "no request", "mailbox"))
    evidence.judge(findings)


@criterion(
    "SCH-07",
    "since the last start no receipt sync failed with a schema error, in receipt_sync_runs or in the failed-job "
    "registry of the receipts queues",
    severity="critical",
    effect="observe",
    sources=["D0a Acceptance Criteria"],
    remedy=f"The error names the column or table: compare it with SCH-01, and migrate: {MIGRATE}",
)
def test_no_receipt_sync_failed_on_the_schema(
    failed_receipt_runs: Sequence[Mapping[str, Any]],
    failed_receipt_jobs: list[FailedJob],
    worker_started: datetime,
    evidence: Evidence,
) -> None:
    evidence.examine(["receipt_sync_runs", "rq:failed:receipts", "rq:failed:receipts_sync"], "records of failures")
    jobs = [job for job in failed_receipt_jobs if job.at is None or job.at >= worker_started]
    evidence.record(
        "since the start", at=worker_started.isoformat(), failed_runs=len(failed_receipt_runs), failed_jobs=len(jobs)
    )
    told = [(f"receipt_sync_runs row {row['id']}", str(row["error_message"])) for row in failed_receipt_runs]
    told += [(f"rq:failed:{job.queue} job {job.id}", job.error) for job in jobs]
    findings = []
    for where, error in told:
        if match := SCHEMA_ERROR.search(error):
            line = next(part for part in error.splitlines() if match[0] in part) if "\n" not in match[0] else match[0]
            findings.append(Finding("no schema error", line.strip()[:200], where))
    evidence.judge(findings)
