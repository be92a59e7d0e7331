"""What the CRM's logs tell of columns that are not there. D3 Success Criteria, contract section 1."""

from acceptance.prosaas.reading import unwanted, with_a_log
from fixtures.criterion import Evidence, criterion
from fixtures.facts.containers import ServiceFacts
from fixtures.facts.logs import Logs


@criterion(
    "DRF-07",
    "no [DB-MISMATCH] and no P2022 in the log of any service",
    severity="critical",
    effect="observe",
    sources=["D3 Success Criteria"],
    remedy="The line names the column: compare it with DRF-01, and DATABASE_URL=... npx prisma migrate deploy.",
)
def test_no_log_tells_of_a_mismatch(services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    findings = []
    for service in evidence.examine(with_a_log(services), "services with a log"):
        found = logs.matches("drift.mismatch", service.name)
        evidence.record(service.name, lines=found.lines, matches=found.count)
        findings += unwanted(found, "no schema mismatch")
    evidence.judge(findings)
