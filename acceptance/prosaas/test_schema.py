"""The columns that migration 89 promises: D0a section 1, D0b section 2, contract section 3."""

from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.catalog import Catalog, Column

TABLE = "receipt_sync_runs"
COLUMNS = {
    "from_date": "date",
    "to_date": "date",
    "months_back": "integer",
    "run_to_completion": "boolean",
    "max_seconds_per_run": "integer",
    "skipped_count": "integer",
}
DEFAULTS = {"run_to_completion": "false", "skipped_count": "0"}
MIGRATE = "./scripts/dcprod.sh exec prosaas-api python -m prosaas.migrate, then restart the worker."


def absent(column: Column, catalog: Catalog) -> str:
    """How to say that a column is missing, and where a table of the same name stands instead."""
    table = catalog.table(TABLE)
    if table.exists:
        return "missing"
    elsewhere = f"; a table of that name stands in schema {', '.join(table.elsewhere)}" if table.elsewhere else ""
    return f"missing: there is no table {TABLE} in {' or '.join(catalog.schemas)}{elsewhere}"


@criterion(
    "SCH-01",
    "receipt_sync_runs has the six columns of migration 89 with the right types, in the schema the app uses",
    severity="critical",
    effect="observe",
    sources=["D0a §1", "D0a Verify Deployment", "D0b §2"],
    remedy=f"Apply migration 89: {MIGRATE}",
)
def test_receipt_sync_runs_has_the_columns_of_89(catalog: Catalog, evidence: Evidence) -> None:
    table = catalog.table(TABLE)
    findings = []
    for name, wanted in evidence.examine(COLUMNS.items(), "columns"):
        column = table.column(name)
        evidence.record(f"{TABLE}.{name}", type=column.type or "missing")
        if not column.exists:
            findings.append(Finding(f"a column of type {wanted}", absent(column, catalog), f"{TABLE}.{name}"))
        elif column.type != wanted:
            findings.append(Finding(f"type {wanted}", f"type {column.type}", f"{TABLE}.{name}"))
    evidence.judge(findings)


@criterion(
    "SCH-02",
    "run_to_completion defaults to false, skipped_count to 0",
    severity="critical",
    effect="observe",
    sources=["D0a §1"],
    remedy=f"ALTER TABLE {TABLE} ALTER COLUMN run_to_completion SET DEFAULT FALSE, "
    f"ALTER COLUMN skipped_count SET DEFAULT 0; or run migration 89 again: {MIGRATE}",
)
def test_migration_89_sets_the_defaults(catalog: Catalog, evidence: Evidence) -> None:
    table = catalog.table(TABLE)
    findings = []
    for name, wanted in evidence.examine(DEFAULTS.items(), "columns"):
        column = table.column(name)
        evidence.record(f"{TABLE}.{name}", default=column.default)
        if not column.exists:
            findings.append(Finding(f"default {wanted}", absent(column, catalog), f"{TABLE}.{name}"))
        elif column.default != wanted:
            found = "no default" if column.default is None else f"default {column.default}"
            findings.append(Finding(f"default {wanted}", found, f"{TABLE}.{name}"))
    evidence.judge(findings)
