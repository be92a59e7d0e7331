"""No stack trace stands beside a job that failed: D1 Security Verification, contract sections 5 and 9."""

from acceptance.prosaas.reading import unwanted
from fixtures.criterion import Evidence, criterion
from fixtures.facts.containers import ServiceFacts
from fixtures.facts.logs import Logs


@criterion(
    "SEC-03",
    "no stack trace follows WORKER_JOB_FAILED",
    severity="major",
    effect="observe",
    sources=["D1 Security Verification"],
    remedy="Log the failure of a job on one line, no exc_info, and keep RQ's own exception handler from logging it.",
)
def test_no_stack_trace_follows_a_failed_job(services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    findings = []
    for service in evidence.examine(services.application, "application services"):
        found = logs.matches("recording.trace", service.name)
        failed = logs.matches("recording.failed", service.name)
        evidence.record(service.name, lines=found.lines, failed_jobs=failed.count, traces=found.count)
        findings += unwanted(found, "no stack trace within 10 lines of a failed job")
    evidence.judge(findings)
