"""The columns that migration 89 promises: D0a section 1, D0b section 2, contract section 3."""

import re
from dataclasses import dataclass

import pytest

from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.catalog import Catalog, Column, Table

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


@dataclass(frozen=True)
class Promised:
    """What the contract names of a table. `checked`: column -> the only values that its check lets through."""

    columns: str
    not_null: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    references: tuple[tuple[str, str], ...] = ()
    checked: tuple[tuple[str, frozenset[str]], ...] = ()


SYNC_STATUS = frozenset({"running", "paused", "completed", "failed", "cancelled"})
TABLES = {
    "receipt_sync_runs": Promised(
        "id business_id mode status started_at finished_at last_heartbeat_at messages_scanned saved_receipts"
        " errors_count error_message created_at updated_at",
        not_null=("business_id", "started_at"),
        references=(("business_id", "business"),),
        checked=(("status", SYNC_STATUS),),
    ),
    "business": Promised("id name is_active"),
    "users": Promised(
        "id business_id email password_hash push_enabled", not_null=("password_hash",), unique=(("email",),)
    ),
    "push_subscriptions": Promised(
        "id business_id user_id channel endpoint p256dh auth device_info is_active created_at updated_at",
        not_null=("is_active",),
        unique=(("user_id", "endpoint"),),
        references=(("business_id", "business"), ("user_id", "users")),
    ),
    "lead_reminders": Promised("id tenant_id lead_id due_at note delivered_at"),
    "reminder_push_log": Promised("reminder_id offset_minutes sent_at", unique=(("reminder_id", "offset_minutes"),)),
    "call_log": Promised("id business_id call_sid recording_url status", unique=(("call_sid",),)),
    "recording_runs": Promised(
        "id business_id call_sid job_type status error_message retry_count started_at completed_at"
    ),
    "whatsapp_message": Promised(
        "id business_id to_number direction body status provider provider_message_id created_at",
        unique=(("business_id", "provider_message_id"),),
    ),
    "whatsapp_conversation": Promised(""),
    "leads": Promised(""),
}


def broken_promises(table: Table, promised: Promised) -> list[Finding]:
    """What the contract names of an existing table and the catalogue does not have."""
    name = table.name
    findings = [
        Finding("a column", "missing", f"{name}.{column}")
        for column in promised.columns.split()
        if not table.column(column).exists
    ]
    findings += [
        Finding("NOT NULL", "may be null", f"{name}.{column}")
        for column in promised.not_null
        if table.column(column).exists and table.column(column).nullable
    ]
    findings += [
        Finding("unique, over all rows", "no such index", f"{name} ({', '.join(columns)})")
        for columns in promised.unique
        if table.unique_on(*columns) is None
    ]
    for column, target in promised.references:
        key = table.foreign_key(column)
        if key is None or key.target != target or not key.valid:
            found = "no foreign key" if key is None else f"on {key.target}, {'' if key.valid else 'not '}validated"
            findings.append(Finding(f"a foreign key on {target}", found, f"{name}.{column}"))
    for column, values in promised.checked:
        checks = [check for check in table.checks if check.columns == (column,) and check.valid]
        allowed = [set(re.findall(r"'([^']*)'", check.definition)) for check in checks]
        if values not in allowed:
            found = "; ".join(check.definition for check in checks) or "no check"
            findings.append(Finding(f"a check for {', '.join(sorted(values))}", found, f"{name}.{column}"))
    return findings


@criterion(
    "SCH-04",
    "of the tables in the contract, the columns, keys, uniques and checks that the contract names exist",
    severity="major",
    effect="observe",
    sources=["contract §3"],
    remedy=f"Find the migration that makes what is missing, and apply it: {MIGRATE}",
)
@pytest.mark.parametrize("name", TABLES)
def test_table_is_as_the_contract_says(name: str, catalog: Catalog, evidence: Evidence) -> None:
    table = catalog.table(name)
    evidence.examine([table], "tables")
    evidence.record(name, schema=table.schema, columns=len(table.columns), indexes=len(table.indexes))
    if not table.exists:
        elsewhere = f"only in schema {', '.join(table.elsewhere)}" if table.elsewhere else "missing"
        evidence.judge([Finding(f"a table in {' or '.join(catalog.schemas)}", elsewhere, name)])
    evidence.judge(broken_promises(table, TABLES[name]))
