"""What migrations do to a database, on databases of their own: again, on both paths, and to old data. D0a, D1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.criterion import Evidence, criterion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixtures.canary.upgrades import Run

WRITES = ["databases of the run's own beside the deployment's, dropped afterwards"]


def recorded(run: Run, evidence: Evidence) -> Run:
    """The run, kept as evidence: how it ended, and how much it left."""
    parts, rows = len(run.after.schema), run.after.count
    evidence.record(f"migrations, {run.name}", exit_code=run.ran.exit_code, parts_of_the_schema=parts, rows=rows)
    return run


@criterion(
    "MIG-10",
    "running all migrations again changes neither schema nor data",
    severity="major",
    effect="disrupt",
    sources=["D0a §1"],
    remedy="Write the step so that it finds its own work done: IF NOT EXISTS, a name for every index, no UPDATE "
    "without a condition that is false the second time.",
    writes=WRITES,
)
def test_migrating_again_changes_nothing(upgrade_runs: Sequence[Run], evidence: Evidence) -> None:
    first, *again = upgrade_runs
    findings = first.findings()
    for run in evidence.examine([recorded(run, evidence) for run in again or [first]], "runs of all migrations"):
        findings += run.findings()
    for run in again:
        findings += run.changes()
    evidence.judge(findings)


@criterion(
    "MIG-11",
    "a fresh database and one upgraded from before 89 end with the same schema",
    severity="major",
    effect="disrupt",
    sources=["D0a §1"],
    remedy="Let both paths run the same steps; what a CREATE TABLE has and an ALTER TABLE has not (or the reverse) is "
    "a step of its own.",
    writes=WRITES,
)
def test_both_paths_end_alike(upgrade_runs: Sequence[Run], fresh_run: Run, evidence: Evidence) -> None:
    upgraded = upgrade_runs[0]
    findings = [finding for run in (upgraded, fresh_run) for finding in recorded(run, evidence).findings()]
    evidence.examine(fresh_run.after.schema, "parts of the schema")
    evidence.judge(findings or fresh_run.other_schema(upgraded))


@criterion(
    "MIG-16",
    "no migration destroys: a filled database from before 89 keeps every table, column, row and value, and can be read "
    "as by the version before",
    severity="critical",
    effect="disrupt",
    sources=["D1 Rollback Plan", "D1 Note"],
    remedy="Take the destroying statement out of the migration; drop or rename only in a later release, when no "
    "version that reads the old name can come back.",
    writes=WRITES,
)
def test_an_upgrade_destroys_nothing(upgrade_runs: Sequence[Run], evidence: Evidence) -> None:
    run = recorded(upgrade_runs[0], evidence)
    evidence.examine(run.before.rows, "tables")
    evidence.record("before the upgrade", rows=run.before.count, tables=sorted(run.before.rows))
    evidence.judge(run.findings() + run.losses())
