"""Who migrates the schema, and whether anything is in the way: D0a, D1, contract section 3."""

from collections import Counter

from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.catalog import Catalog
from fixtures.facts.containers import ServiceFacts
from fixtures.facts.deployment import Expected
from fixtures.facts.locks import MIGRATION_LOCK, Locks
from fixtures.facts.records import MigrationRecord

LONGEST_WAIT_S = 5.0
RECORDS = "schema_migrations"
# what the record of migration 89 promises: column of receipt_sync_runs -> type and default
# that they are there and of their type; their defaults are SCH-02's
MIGRATION_89 = {
    "from_date": "date",
    "to_date": "date",
    "months_back": "integer",
    "run_to_completion": "boolean",
    "max_seconds_per_run": "integer",
    "skipped_count": "integer",
}


def judge_flag(name: str, services: ServiceFacts, runner: str, evidence: Evidence) -> None:
    """The flag is "1" on the runner, "0" on every other application service, and "1" nowhere else."""
    findings = []
    for service in evidence.examine(services.application, "application services"):
        flag = service.variable(name)
        evidence.record(service.name, running=list(flag.running), resolved=flag.resolved)
        findings += flag.findings("1" if service.name == runner else "0")
    for service in services:
        flag = service.variable(name)
        if service.name not in services.topology.application and "1" in (*flag.running, flag.resolved):
            findings.append(Finding(f"{runner} alone runs migrations", "'1'", f"{service.name}: {name}"))
    evidence.judge(findings)


@criterion(
    "MIG-01",
    "exactly one service has RUN_MIGRATIONS=1, the one the inventory names; all others say 0 explicitly",
    severity="critical",
    effect="observe",
    sources=["D1 Step 2", "D1 Success Metrics"],
    remedy='Set RUN_MIGRATIONS: "1" on the service that migrates and "0" on every other, in each compose file; '
    "then ./scripts/dcprod.sh up -d.",
)
def test_exactly_one_service_runs_migrations(services: ServiceFacts, inventory: Expected, evidence: Evidence) -> None:
    judge_flag("RUN_MIGRATIONS", services, inventory.migrations_by, evidence)


@criterion(
    "MIG-02",
    "exactly one service has RUN_MIGRATIONS_ON_START=1, the one the inventory names; all others say 0 explicitly",
    severity="major",
    effect="observe",
    sources=["D0a Environment Variables Summary"],
    remedy='Set RUN_MIGRATIONS_ON_START: "1" beside RUN_MIGRATIONS: "1" on the service that migrates, and "0" on '
    "every other; then ./scripts/dcprod.sh up -d.",
)
def test_exactly_one_service_migrates_on_start(services: ServiceFacts, inventory: Expected, evidence: Evidence) -> None:
    judge_flag("RUN_MIGRATIONS_ON_START", services, inventory.migrations_by, evidence)


@criterion(
    "MIG-05",
    "the migration lock is free, and no session waits longer than 5 s for a lock that a DDL statement holds",
    severity="critical",
    effect="observe",
    sources=["D1 Step 5", "D1 Post-Deployment 2"],
    remedy="Find the session by its pid in pg_stat_activity; end it with pg_terminate_backend once it is understood.",
)
def test_no_lock_is_in_the_way(locks: Locks, evidence: Evidence) -> None:
    # the two readings themselves are what was examined: no lock at all is the healthy state
    evidence.examine(["pg_locks: advisory", "pg_locks: waiting"], "readings of the lock table")
    evidence.record("locks", migration_lock=len(locks.migration), waiting_sessions=len(locks.waiting))
    findings = [
        Finding(
            f"advisory lock {MIGRATION_LOCK} free",
            f"held by pid {lock.pid} ({lock.role}, {lock.state}, connected for {lock.session_s:.0f} s)",
            f"advisory lock {MIGRATION_LOCK}",
        )
        for lock in locks.migration
        if lock.granted
    ]
    for session in locks.behind_ddl(longer_than_s=LONGEST_WAIT_S):
        blockers = ", ".join(f"pid {b.pid} {b.statement} ({b.mode})" for b in session.blockers)
        findings.append(
            Finding(
                f"no session waiting longer than {LONGEST_WAIT_S:g} s behind DDL",
                f"pid {session.pid} has waited {session.waited_s:.0f} s behind {blockers}",
                f"table {session.relation}",
            )
        )
    evidence.judge(findings)


@criterion(
    "MIG-06",
    "migrations 1 to the number the inventory names, 89 included, are each recorded once and as succeeded, "
    "and the tables have what the record of 89 promises",
    severity="critical",
    effect="observe",
    sources=["D0a §1", "D0a Acceptance Criteria"],
    remedy="Apply what is missing: ./scripts/dcprod.sh exec prosaas-api python -m prosaas.migrate; a record that the "
    "table belies is deleted first.",
)
def test_migrations_are_recorded_and_there(
    migration_records: list[MigrationRecord], inventory: Expected, catalog: Catalog, evidence: Evidence
) -> None:
    evidence.examine(migration_records, "records of migrations")
    recorded = Counter(record.version for record in migration_records)
    wanted = range(1, inventory.migrations_up_to + 1)
    evidence.record(RECORDS, rows=len(migration_records), highest=max(recorded), wanted=len(wanted))
    missing = [version for version in wanted if version not in recorded]
    findings = [Finding("recorded", "not recorded", f"{RECORDS}: migration {version}") for version in missing]
    findings += [
        Finding("recorded once", f"recorded {recorded[version]} times", f"{RECORDS}: migration {version}")
        for version in wanted
        if recorded[version] > 1
    ]
    findings += [
        Finding("succeeded", f"failed ({record.name})", f"{RECORDS}: migration {record.version}")
        for record in migration_records
        if not record.succeeded
    ]
    table = catalog.table("receipt_sync_runs")
    for name, kind in MIGRATION_89.items():
        column = table.column(name)
        if column.type != kind:
            found = column.type or "missing"
            findings.append(Finding(f"{kind}, as migration 89 is recorded", found, f"receipt_sync_runs.{name}"))
    evidence.judge(findings)


@criterion(
    "MIG-15",
    "each compose file that sets the migration flags names the same runner as the merged configuration",
    severity="minor",
    effect="observe",
    sources=["D1 Step 2"],
    remedy="Set RUN_MIGRATIONS and RUN_MIGRATIONS_ON_START alike in every compose file that sets them.",
)
def test_compose_files_name_the_same_runner(services: ServiceFacts, evidence: Evidence) -> None:
    defined = [service.resolved for service in services if service.resolved is not None]
    given = [
        (file, service, flag, environment[flag])
        for service in defined
        for file, environment in service.by_file.items()
        for flag in ("RUN_MIGRATIONS", "RUN_MIGRATIONS_ON_START")
        if flag in environment
    ]
    findings = []
    for file, service, flag, value in evidence.examine(given, "flags in compose files"):
        evidence.record(f"{service.name}: {flag} in {file}", value=value)
        merged = service.environment.get(flag)
        if (value == "1") != (merged == "1"):
            findings.append(Finding(f"{merged!r}, as merged", repr(value), f"{service.name}: {flag} in {file}"))
    evidence.judge(findings)
