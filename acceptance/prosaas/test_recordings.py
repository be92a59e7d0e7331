"""Recordings are fetched and finished: D1, contract section 5."""

from fixtures.criterion import CheckError, Evidence, Finding, criterion
from fixtures.facts.records import RecordingRuns

LIMIT_S = 300.0


@criterion(
    "REC-05",
    "no recording run is queued or running for longer than 5 minutes",
    severity="critical",
    effect="observe",
    sources=["D1 Troubleshooting", "D1 Success Metrics"],
    remedy="See that the worker runs and listens to the queue recordings, and whether slots in Redis (rec_slots:*) "
    "belong to jobs that are gone; then ./scripts/dcprod.sh restart worker.",
)
def test_no_recording_run_is_stuck(recording_runs: RecordingRuns, evidence: Evidence) -> None:
    evidence.examine(["recording_runs"], "tables")
    evidence.record("recording_runs", rows=recording_runs.count, unfinished=len(recording_runs.unfinished))
    findings = []
    for run in recording_runs.unfinished:
        if run.age_s is None:
            raise CheckError(f"recording_runs {run.id} is {run.status}, and nothing tells since when")
        if run.age_s > LIMIT_S:
            where = f"recording_runs: id {run.id}"
            findings.append(Finding(f"finished within {LIMIT_S:.0f} s", f"{run.status} for {run.age_s:.0f} s", where))
    evidence.judge(findings)
