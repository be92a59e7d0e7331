"""What the schema makes of a row that says nothing of migration 89: D0a section 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.inserting import Inserted

TABLE = "receipt_sync_runs"
READ_BACK = {"run_to_completion": False, "skipped_count": 0}


@criterion(
    "SCH-03",
    "an insert that omits them succeeds and reads false and 0 back (rolled back)",
    severity="major",
    effect="disrupt",
    sources=["D0a §1"],
    remedy=f"ALTER TABLE {TABLE} ALTER COLUMN run_to_completion SET DEFAULT FALSE, ALTER COLUMN skipped_count "
    "SET DEFAULT 0; and see that no trigger changes what is inserted.",
    writes=["one row of receipt_sync_runs, rolled back"],
)
def test_an_insert_may_omit_them(inserted: Inserted, evidence: Evidence) -> None:
    evidence.examine(READ_BACK, "columns")
    evidence.record(TABLE, refused=inserted.refused, **{name: inserted.row.get(name) for name in READ_BACK})
    findings = []
    if inserted.refused:
        findings.append(Finding("the insert succeeds", inserted.refused, TABLE))
    else:
        findings += [
            Finding(repr(wanted), repr(inserted.row.get(name, "no such column")), f"{TABLE}.{name}")
            for name, wanted in READ_BACK.items()
            if inserted.row.get(name) != wanted
        ]
    if inserted.left > 0:
        findings.append(Finding("rolled back", f"{inserted.left} rows more", TABLE))
    evidence.judge(findings)
