"""The CRM's schema is the one that its code expects: columns, migrations, foreign keys. D3 A, D3 C, contract 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.foreign_keys import PIPELINE, Key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fixtures.facts.catalog import Catalog
    from fixtures.facts.foreign_keys import Dangling
    from fixtures.facts.records import PrismaRecord

DEPLOY = "DATABASE_URL=... npx prisma migrate deploy"
DRIFT = "20251230122512_fix_schema_drift_deleted_at_snoozed_until"
DRIFTED = {"Conversation": "deletedAt", "Notification": "snoozedUntil"}
TYPE = "timestamp(3) without time zone"
LEDGER = "_prisma_migrations"


@criterion(
    "DRF-01",
    "Conversation.deletedAt and Notification.snoozedUntil exist: timestamp(3), nullable, without a default, each with "
    "its index",
    severity="critical",
    effect="observe",
    sources=["D3 A"],
    remedy=f"{DEPLOY}; where the ledger says applied, run the drift migration's SQL once more: it is safe to repeat.",
)
@pytest.mark.parametrize("table", DRIFTED)
def test_drifted_columns_are_there(table: str, catalog: Catalog, evidence: Evidence) -> None:
    name = DRIFTED[table]
    home, index_name = catalog.table(table), f"{table}_{name}_idx"
    column, index = home.column(name), home.index(index_name)
    evidence.examine([column, index], "column and index")
    evidence.record(table, schema=home.schema, type=column.type, index=index.definition if index else None)
    where = f"{home.schema}.{table}.{name}"
    findings = []
    if column.type != TYPE:
        elsewhere = f", {table} is also in {', '.join(home.elsewhere)}" if home.elsewhere else ""
        findings.append(Finding(TYPE, column.type or f"missing{elsewhere}", where))
    elif not column.nullable:
        findings.append(Finding("nullable", "NOT NULL", where))
    if column.default is not None:
        findings.append(Finding("NULL in a new row", f"DEFAULT {column.default}", where))
    if index is None:
        findings.append(Finding(f"an index on {name}", "no such index", index_name))
    elif index.columns != (name,) or index.partial:
        findings.append(Finding(f"an index on {name}", index.definition, index_name))
    elif index.unique:
        findings.append(Finding("an index for any number of rows", index.definition, index_name))
    elif not index.valid:
        findings.append(Finding("a valid index", "invalid: its building was broken off", index_name))
    evidence.judge(findings)


@criterion(
    "DRF-02",
    "the drift migration is applied, and every other of the release; none failed or is unfinished; none was edited "
    "after it was applied",
    severity="critical",
    effect="observe",
    sources=["D3 A1", "D3 Success Criteria"],
    remedy=f"{DEPLOY}; a failed one is looked at, then npx prisma migrate resolve --rolled-back NAME (or --applied), "
    "then deployed; an edited file is given back its text, and the change becomes a migration of its own.",
)
def test_drift_migration_is_applied(
    prisma_records: Sequence[PrismaRecord], migration_checksums: Mapping[str, str], evidence: Evidence
) -> None:
    evidence.examine(prisma_records, "records of migrations")
    applied = [record for record in prisma_records if record.applied]
    compared = [record for record in applied if record.name in migration_checksums]
    evidence.record(LEDGER, rows=len(prisma_records), applied=len(applied), compared_with_files=len(compared))
    findings = []
    for name in sorted({DRIFT, *migration_checksums} - {record.name for record in applied}):
        tried = [record for record in prisma_records if record.name == name]
        others = {"rolled back" if record.rolled_back else "failed" for record in tried}
        findings.append(Finding("applied", ", ".join(sorted(others)) or "not recorded", f"{LEDGER}: {name}"))
    findings += [
        Finding("finished", f"neither finished nor rolled back; {record.logs[:200] or 'no log'}", where, record.started)
        for record in prisma_records
        for where in (f"{LEDGER}: {record.name}",)
        if record.unfinished
    ]
    findings += [
        Finding(f"sha256 {wanted[:12]}, as the file has it", f"sha256 {record.checksum[:12]}", where)
        for record in compared
        for where, wanted in ((f"{LEDGER}: {record.name}", migration_checksums[record.name]),)
        if record.checksum != wanted
    ]
    evidence.judge(findings)


def wrong_key(key: Key, catalog: Catalog) -> Finding | None:
    """What is wrong with one foreign key, if anything."""
    found = catalog.table(key.table).foreign_key(key.column)
    target = catalog.table(key.target)
    expected = f"a foreign key to {key.target}.id, on delete {' or '.join(key.rules)}"
    if found is None:
        return Finding(expected, "no foreign key", key.name)
    if (found.target, found.target_schema, found.target_columns) != (key.target, target.schema, ("id",)):
        refers = f"{found.target_schema}.{found.target}.{', '.join(found.target_columns)}"
        return Finding(expected, f"{found.name} refers to {refers}", key.name)
    if found.on_delete not in key.rules:
        return Finding(expected, f"{found.name} says {found.on_delete}", key.name)
    return None if found.valid else Finding("every row checked", f"{found.name} is NOT VALID", key.name)


@criterion(
    "DRF-06",
    "the pipeline's foreign keys exist, valid, with the right target and delete rule; no row points to nothing",
    severity="major",
    effect="observe",
    sources=["D3 C1"],
    remedy="Mend or delete the rows that are named, then ALTER TABLE ... ADD CONSTRAINT ... FOREIGN KEY ... NOT VALID "
    "and VALIDATE CONSTRAINT, which locks nobody out.",
)
def test_foreign_keys_hold(catalog: Catalog, dangling: Sequence[Dangling], evidence: Evidence) -> None:
    evidence.examine(PIPELINE, "foreign keys")
    evidence.record("rows that refer to something", **{each.key: each.looked_at for each in dangling})
    wrong = [finding for key in PIPELINE if (finding := wrong_key(key, catalog))]
    wrong += [
        Finding("rows that refer to what there is", f"{each.count} dangling, to {each.refers_to}", where)
        for each in dangling
        for where in (f"{each.key}, row {each.row_id}",)
        if each.count
    ]
    evidence.judge(wrong)
