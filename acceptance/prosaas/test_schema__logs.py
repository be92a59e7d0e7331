"""What the logs tell of columns and tables that are not there: D0a section 1."""

from acceptance.prosaas.reading import unwanted, with_a_log
from fixtures.criterion import Evidence, criterion
from fixtures.facts.containers import ServiceFacts
from fixtures.facts.logs import Logs

MIGRATE = "./scripts/dcprod.sh exec prosaas-api python -m prosaas.migrate, then restart the worker."


@criterion(
    "SCH-05",
    "no UndefinedColumn or UndefinedTable in any log",
    severity="critical",
    effect="observe",
    sources=["D0a Acceptance Criteria"],
    remedy=f"The line names the column or table: compare it with SCH-01, and migrate: {MIGRATE}",
)
def test_no_log_misses_a_column(services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    findings = []
    for service in evidence.examine(with_a_log(services), "services with a log"):
        found = logs.matches("schema.undefined", service.name)
        evidence.record(service.name, lines=found.lines, matches=found.count)
        findings += unwanted(found, "no undefined column or table")
    evidence.judge(findings)
