"""What the logs tell of migrations: trouble, the steps of the runner, and how long the lock took. D1, D4."""

import re

import pytest

from acceptance.prosaas.reading import by_container, lines, unwanted, with_a_log
from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.containers import Service, ServiceFacts
from fixtures.facts.deployment import Expected
from fixtures.facts.lines import stamp
from fixtures.facts.logs import Logs, Match

TROUBLE = {
    "migration.lock_failed": "every runner gets the migration lock in time",
    "migration.statement_timed_out": "no statement reaches its time limit",
    "migration.failed": "no migration fails",
    "migration.waiting": "a runner that waits acquires the lock, or skips",
}


@criterion(
    "MIG-04",
    "no log holds a lock that was not acquired, a statement timeout or a failed migration; "
    "who waited for another runner acquired the lock or skipped",
    severity="critical",
    effect="observe",
    sources=["D1 Post-Deployment 2", "D1 Troubleshooting", "D1 Success Metrics", "D4 Troubleshooting"],
    remedy="Leave RUN_MIGRATIONS=1 on one service only; raise MIGRATION_LOCK_WAIT_SECONDS where the lock was busy; "
    "for MIGRATION FAILED mend what the line names, then start the runner again.",
)
@pytest.mark.parametrize("trouble", TROUBLE)
def test_no_log_tells_of_migration_trouble(
    trouble: str, services: ServiceFacts, logs: Logs, evidence: Evidence
) -> None:
    findings = []
    for service in evidence.examine(with_a_log(services), "services with a log"):
        found = logs.matches(trouble, service.name)
        evidence.record(service.name, lines=found.lines, matches=found.count)
        if trouble != "migration.waiting":
            findings += unwanted(found, TROUBLE[trouble])
            continue
        ends = by_container(logs.matches(("migration.acquired", "migration.skip"), service.name).first)
        for container, waits in by_container(found.first).items():
            if not any(end.line > waits[-1].line for end in ends.get(container, [])):
                findings += lines(waits[-1:], TROUBLE[trouble])
    evidence.judge(findings)


STEPS = ("migration.checkpoint", "migration.statement_timeout", "migration.acquired", "migration.released")


def told(matches: list[Match]) -> list[str]:
    """The steps as a log tells them; two wordings of the checkpoint in a row are one."""
    names = [match.pattern for match in matches]
    return [name for index, name in enumerate(names) if name != STEPS[0] or names[index - 1 : index] != [name]]


@criterion(
    "MIG-03",
    "the runner's log holds, once per start and in order, checkpoint, statement_timeout, acquired, released; "
    "every other application service says that migrations are disabled, and shows no migration work",
    severity="minor",
    effect="observe",
    sources=["D1 Step 5", "D1 Post-Deployment 1", "D1 Success Metrics"],
    remedy="Read the runner's log from its start: a step that is missing was not reached; on other services set "
    'RUN_MIGRATIONS: "0".',
)
def test_only_the_runner_tells_of_migrations(
    services: ServiceFacts, inventory: Expected, logs: Logs, evidence: Evidence
) -> None:
    findings = []
    for service in evidence.examine(services.application, "application services"):
        steps = by_container(logs.matches(STEPS, service.name, since="start").first)
        if service.name == inventory.migrations_by:
            for container in service.containers:
                found = told(steps.get(container.name, []))
                evidence.record(service.name, steps=found)
                if found != list(STEPS):
                    wanted = f"{', '.join(STEPS)}, once and in this order since the start"
                    missing = ", ".join(step for step in STEPS if step not in found) or "none"
                    shown = f"{', '.join(found) or 'nothing'} (missing: {missing})"
                    findings.append(Finding(wanted, shown, service.name, service.since))
            continue
        disabled = logs.matches("migration.disabled", service.name, since="start")
        evidence.record(service.name, disabled=disabled.count, lines=disabled.lines)
        if not disabled:
            findings.append(Finding("says that migrations are disabled", "says nothing", service.name, service.since))
        for matches in steps.values():
            findings += lines(matches, f"{inventory.migrations_by} alone migrates")
    evidence.judge(findings)


AT_ONCE_S, AFTER_WAITING_S = 1.0, 30.0


def configured_timeout_s(service: Service) -> float:
    """MIGRATION_STATEMENT_TIMEOUT in seconds; 120 s when unset."""
    return seconds(service.variable("MIGRATION_STATEMENT_TIMEOUT").value or "120s")


def seconds(text: str) -> float:
    """A time such as 120s, 120000ms, 2min or 120 (seconds)."""
    found = re.search(r"(\d+)\s*(ms|min|s)?", text)
    assert found is not None
    return int(found[1]) * {"ms": 0.001, "min": 60.0}.get(found[2] or "s", 1.0)


def acquisition(matches: list[Match]) -> list[Finding]:
    """How long each run of one container took to get the lock, against what it may take.

    The clock starts once the session is there (it has its statement_timeout): connecting is not waiting for a lock.
    """
    findings, begun, waited = [], None, False
    for match in matches:
        if match.pattern == "migration.checkpoint":
            begun, waited = begun or match, False
        elif match.pattern == "migration.statement_timeout":
            begun = match if begun is not None and not waited else begun
        elif match.pattern == "migration.waiting":
            waited = True
        elif begun is not None:
            own = stamp(begun.text), stamp(match.text)
            took = (own[1] - own[0]) if own[0] and own[1] else match.at - begun.at
            limit = AFTER_WAITING_S if waited else AT_ONCE_S
            if took.total_seconds() > limit:
                how = "after waiting" if waited else "without waiting"
                expected = f"migration lock acquired within {limit:g} s {how}"
                findings.append(Finding(expected, f"{took.total_seconds():.1f} s", match.service, match.at.isoformat()))
            begun = None
    if begun is not None:
        findings.append(Finding("migration lock acquired", "no such line follows", begun.service, begun.at.isoformat()))
    return findings


@criterion(
    "MIG-12",
    "by the runner's own time stamps the lock was acquired within 1 s, or within 30 s when it had to wait; "
    "statement_timeout set as configured",
    severity="minor",
    effect="observe",
    sources=["D1 Performance Expectations", "D1 Step 5"],
    remedy="Find who held the migration lock (MIG-05 names it); set MIGRATION_STATEMENT_TIMEOUT on the runner.",
)
def test_the_lock_was_acquired_in_time(
    services: ServiceFacts, inventory: Expected, logs: Logs, evidence: Evidence
) -> None:
    runner = services[inventory.migrations_by]
    steps = ("migration.checkpoint", "migration.statement_timeout", "migration.waiting", "migration.acquired")
    found = logs.matches(steps, runner.name, "start")
    limits = logs.matches("migration.statement_timeout", runner.name, "start")
    evidence.examine(logs[runner.name], "logs of the runner")
    evidence.record(runner.name, steps=[f"{m.pattern} {m.at.isoformat()}" for m in found.first[:10]])
    findings = [finding for matches in by_container(found.first).values() for finding in acquisition(matches)]
    if not found:
        findings.append(Finding("a line for the acquired lock", "none", runner.name, runner.since))
    wanted = configured_timeout_s(runner)
    if not limits:
        findings.append(Finding(f"statement_timeout set to {wanted:g} s", "no such line", runner.name, runner.since))
    for match in limits.first:
        said = match.text.partition("statement_timeout")[2]
        if re.search(r"\d", said) and seconds(said) != wanted:
            findings += lines([match], f"statement_timeout set to {wanted:g} s")
    evidence.judge(findings)
