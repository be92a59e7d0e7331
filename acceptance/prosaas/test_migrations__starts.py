"""How services start while migrations are under way, fail, are held up or are not theirs. D0a, D1, contract §3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import CheckError, Evidence, Finding, criterion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixtures.canary.failing_starts import Failing
    from fixtures.canary.flags import Flagged
    from fixtures.canary.held_starts import Held, Kept, Race
    from fixtures.facts.deployment import Expected

WRITES = ["databases of the run's own beside the deployment's, dropped afterwards"]
HEALTH = "/api/health"
WAYS = ("service", "command", "a statement over its time")  # as fixtures.canary.failing_starts names them
FLAGS = ("0", "not set", "empty", "true", "yes", "01")


def ready_early(held: Mapping[str, int], where: str, when: str) -> list[Finding]:
    """One finding, if /api/health said 200 at a time when it must not."""
    found = [answer for answer in held if answer.startswith("200")]
    return [Finding(f"no 200 {when}", ", ".join(found), f"{where}: {HEALTH}")] if found else []


@criterion(
    "MIG-07",
    "two runners at once on an empty schema: one applies, the other waits or skips; neither says ready before the "
    "commit",
    severity="critical",
    effect="disrupt",
    sources=["D1 Changes"],
    remedy="Take the advisory lock 1234567890 before the first statement, on the session that migrates, and answer 503 "
    "until every migration is recorded as succeeded.",
    writes=WRITES,
)
def test_two_runners(two_runners: Race, evidence: Evidence) -> None:
    race = two_runners
    evidence.examine(race.held, "runners")
    evidence.record("two runners", together=race.together, changes=list(race.changers.values()), complete=race.complete)
    findings = []
    if race.together > 1:
        findings.append(Finding("1 session at a time", f"{race.together} sessions at once", "changes of the schema"))
    if len(race.changers) > 1:
        findings.append(Finding("1 session", f"{len(race.changers)} sessions", "changes of the schema"))
    for name, held in race.held.items():
        evidence.record(f"runner {name}", while_held_up=held, afterwards=str(race.ended[name]), lock=race.told[name])
        findings += ready_early(held, f"runner {name}", "before the commit")
        if not race.ended[name].met:
            findings.append(Finding(f"{HEALTH} 200 in the end", str(race.ended[name]), f"runner {name}"))
    if not race.complete:
        findings.append(Finding("migration 89 recorded and there", "not complete", "the schema afterwards"))
    evidence.judge(findings)


@criterion(
    "MIG-08",
    "lock held by a third session past MIGRATION_LOCK_WAIT_SECONDS: the service starts within that limit and 10 s, and "
    "is ready only once the schema is complete",
    severity="critical",
    effect="disrupt",
    sources=["D1 Performance Expectations", "D1 Troubleshooting"],
    remedy="Stop trying for the lock after MIGRATION_LOCK_WAIT_SECONDS, say so, serve requests, and answer 503 on "
    "/api/health until the schema is recorded as complete.",
    writes=WRITES,
)
def test_lock_held_by_somebody_else(kept_from_lock: Kept, inventory: Expected, evidence: Evidence) -> None:
    kept, where = kept_from_lock, inventory.migrations_by
    evidence.examine([kept], "starts while the lock is held")
    evidence.record("kept from the lock", alive=str(kept.alive), gave_up=str(kept.gave_up), state=kept.state)
    evidence.record("the limit", defined=kept.defined, unset_waits_on=kept.unset_waits_on, unseen=list(kept.unseen))
    evidence.record("ready", before_the_schema=kept.held, afterwards=str(kept.let_go))
    findings = []
    if kept.alive.value != "/health 200":
        findings.append(Finding("/health answers within the limit and 10 s", str(kept.alive), where))
    elif not kept.gave_up.met:
        findings.append(Finding("no further try for the lock after the limit and 10 s", str(kept.gave_up), where))
    if not kept.state.startswith("running"):
        findings.append(Finding("running when the lock was busy for too long", kept.state, where))
    if not kept.unset_waits_on and not kept.unseen:
        unset = f"{where} with MIGRATION_LOCK_WAIT_SECONDS unset"
        found = "tries no more when one with a limit of 2 s does not either"
        findings.append(Finding("tries for the lock for 30 s", found, unset))
    findings += ready_early(kept.held, where, "without a schema")
    if not findings and not kept.let_go.met:
        findings.append(Finding(f"{HEALTH} 200 once somebody else has migrated", str(kept.let_go), where))
    if not findings and kept.unseen:
        raise CheckError(f"never seen trying for the lock: {where} with {' and with '.join(kept.unseen)}")
    evidence.judge(findings)


@criterion(
    "MIG-09",
    "a migration that is refused, or takes longer than MIGRATION_STATEMENT_TIMEOUT: never ready, one clear line "
    "MIGRATION FAILED, the standalone runner exits non-zero, neither it nor later ones are recorded or applied",
    severity="critical",
    effect="disrupt",
    sources=["D0a §1", "D1 Troubleshooting", "contract §3"],
    remedy="Let a failed step end the migrations: roll it back, log MIGRATION FAILED once, answer 503 for the life of "
    "the process, and give the standalone runner an exit code that is not 0; record a number in the transaction that "
    "applies it, and set statement_timeout for the session, not for a transaction that is over at once.",
    writes=WRITES,
)
@pytest.mark.parametrize("way", WAYS)
def test_a_failing_migration(way: str, failing_migrations: Mapping[str, Failing], evidence: Evidence) -> None:
    failing = failing_migrations[way]
    evidence.examine([failing], "migrations that failed")
    evidence.record(f"failed migration, {way}", state=failing.state, answers=failing.seen, told=list(failing.told))
    findings = []
    if len(failing.told) != 1:
        findings.append(Finding("1 line MIGRATION FAILED", f"{len(failing.told)} lines", f"log, {way}"))
    if failing.gaps:
        found = f"recorded: {', '.join(map(str, failing.gaps))}"
        findings.append(Finding("no migration after the failed one", found, f"schema_migrations, {way}"))
    if failing.claimed:
        findings.append(Finding("no record of the failed migration", "82 recorded", f"schema_migrations, {way}"))
    if failing.later:
        findings.append(Finding("no table of migration 83", "reminder_push_log", f"tables, {way}"))
    if way != "command":
        findings += ready_early(failing.seen, way, "after a failed migration")
        if failing.state == "exited (0)":
            findings.append(Finding("running, or an exit code that is not 0", failing.state, way))
    elif failing.ran is None or failing.ran.exit_code == 0:
        findings.append(Finding("an exit code that is not 0", "exit code 0", "python -m prosaas.migrate"))
    evidence.judge(findings)


@criterion(
    "MIG-13",
    "starting on a filled database from before 89 applies 89 with no manual step, through the named runner; "
    "/api/health is 200 only after it",
    severity="critical",
    effect="disrupt",
    sources=["D0a §1", "D0a Acceptance Criteria"],
    remedy="Set RUN_MIGRATIONS=1 and RUN_MIGRATIONS_ON_START=1 on the runner, see that its image holds migration 89, "
    "and answer 503 until 89 has committed.",
    writes=WRITES,
)
def test_start_on_an_old_database(old_start: Held, inventory: Expected, evidence: Evidence) -> None:
    held, where = old_start, inventory.migrations_by
    evidence.examine([held], "starts on a database of before migration 89")
    evidence.record("start on an old database", begun=held.begun, answers=held.held, afterwards=str(held.let_go))
    findings = ready_early(held.held, where, "before migration 89")
    if not held.begun:
        findings.append(Finding("migration 89 is begun", "no change of the schema is tried", where))
    if not held.let_go.met:
        findings.append(Finding(f"{HEALTH} 200 in the end", f"{held.let_go}; {held.state}", where))
    if not held.complete:
        findings.append(Finding("migration 89 recorded and there", "not there", f"the database after {where}'s start"))
    evidence.judge(findings)


@criterion(
    "MIG-14",
    'a service whose RUN_MIGRATIONS is 0, not set, empty, or anything but "1" applies nothing on an empty schema and '
    "says MIGRATIONS_DISABLED",
    severity="critical",
    effect="disrupt",
    sources=["D1 Step 2", "D1 Step 5", "contract §3"],
    remedy='Compare RUN_MIGRATIONS with "1" and nothing else before the first statement, and log MIGRATIONS_DISABLED '
    "where it is not.",
    writes=WRITES,
)
@pytest.mark.parametrize("flag", FLAGS)
def test_who_may_not_migrate(flag: str, flagged_starts: Mapping[str, list[Flagged]], evidence: Evidence) -> None:
    findings = []
    for flagged in evidence.examine(flagged_starts[flag], "starts on an empty schema"):
        where = f"{flagged.service} with RUN_MIGRATIONS {flag}"
        evidence.record(where, state=flagged.state, made=len(flagged.made), told=list(flagged.told))
        if flagged.made:
            findings.append(Finding("nothing is made", f"{len(flagged.made)} parts, {flagged.made[0]}", where))
        if not flagged.told:
            findings.append(Finding("a line MIGRATIONS_DISABLED", "none", f"log, {where}"))
    evidence.judge(findings)
