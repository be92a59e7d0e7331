"""What is ready when, on starts by this run beside the deployment: D0a, D1, D4, contract sections 2 and 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fixtures.canary.failing_starts import Failing
    from fixtures.canary.held_starts import Held
    from fixtures.canary.ordered_start import Ordered, TimedStart
    from fixtures.facts.deployment import Expected

WRITES = ["databases of the run's own beside the deployment's, dropped afterwards"]
HEALTH = "/api/health"
API_S, OTHERS_S, WHOLE_S = 40.0, 20.0, 75.0
NOT_YET = "503 initializing"


def not_as_documented(seen: Mapping[str, int], when: str) -> list[Finding]:
    """A finding, if /api/health answered anything else than that it is not ready yet."""
    other = [answer for answer in seen if answer != NOT_YET]
    if not other:
        return []
    ready = [answer for answer in other if answer.startswith("200")]
    return [Finding(f"no 200 {when}" if ready else f"{NOT_YET} {when}", ", ".join(ready or other), HEALTH)]


@criterion(
    "STA-01",
    "/api/health is 503 until migrations have committed, then 200",
    severity="critical",
    effect="disrupt",
    sources=["D4 §3"],
    remedy="Let /api/health answer 503 with status initializing until every migration is recorded as succeeded, and "
    "for the life of the process after one has failed.",
    writes=WRITES,
)
def test_ready_after_migrations(
    fresh_start: Held, failing_migrations: Mapping[str, Failing], inventory: Expected, evidence: Evidence
) -> None:
    failed = failing_migrations["service"]
    evidence.examine([fresh_start, failed], "starts on an empty database")
    evidence.record("migrations held up", answers=fresh_start.held, afterwards=str(fresh_start.let_go))
    evidence.record("a migration failed", answers=failed.seen, state=failed.state)
    findings = not_as_documented(fresh_start.held, "before migrations have committed")
    if not (fresh_start.let_go.met and fresh_start.complete):
        found = f"{fresh_start.let_go}; schema {'complete' if fresh_start.complete else 'not complete'}"
        findings.append(Finding(f"{HEALTH} 200 with a complete schema", found, inventory.migrations_by))
    if failed.state.startswith("running"):
        findings += not_as_documented(failed.seen, "after a failed migration")
    evidence.judge(findings)


@criterion(
    "STA-09",
    "on a start by this run with slow migrations, no service that depends on a healthy API starts before /api/health "
    "was 200",
    severity="major",
    effect="disrupt",
    sources=["D0a §1", "D4 §3"],
    remedy="Give every dependant of the API `condition: service_healthy`, and the API a healthcheck that fails on any "
    "other status of /api/health than 200.",
    writes=WRITES,
)
def test_dependants_wait(slow_start: Ordered, evidence: Evidence) -> None:
    held = [status for status in slow_start.held if status is not None]
    evidence.examine(held, f"answers of {HEALTH} while migrations were held up")
    evidence.record(HEALTH, statuses=sorted(set(held)), times=len(held))
    findings = []
    for one in evidence.examine(slow_start.dependants, "services that depend on the API"):
        evidence.record(one.name, condition=one.condition, early=one.early or "not started", later=one.started)
        if one.early:
            found = f"{one.early}, condition {one.condition}"
            findings.append(Finding(f"not started before {HEALTH} was 200", found, one.name))
        elif not one.started:
            findings.append(Finding("starts once the API is healthy", "not started", one.name))
    if 200 in held:
        findings.append(Finding("no 200 while migrations are held up", "200", HEALTH))
    evidence.judge(findings)


@criterion(
    "STA-08",
    "on a start by this run: API healthy within 40 s, the others within 20 s of their own start, all within 75 s, "
    "healthcheck interval added",
    severity="minor",
    effect="disrupt",
    sources=["D1 Performance Expectations"],
    remedy="Read the log of the service that is late from its start: what it waits for stands in its last line.",
    writes=WRITES,
)
def test_start_in_time(timed_start: Callable[[float, float, float], TimedStart], evidence: Evidence) -> None:
    start = timed_start(API_S, OTHERS_S, WHOLE_S)
    findings = []
    for one in evidence.examine(start.services, "application services"):
        evidence.record(one.name, healthy_after_s=one.seconds, limit_s=one.limit_s, state=one.state)
        if one.seconds is not None and one.seconds > one.limit_s:
            findings.append(Finding(f"healthy within {one.limit_s:g} s", f"after {one.seconds:g} s", one.name))
        elif one.seconds is None and one.state != "created":
            findings.append(Finding(f"healthy within {one.limit_s:g} s", one.state, one.name))
    evidence.record("all of them", healthy_after_s=start.whole, limit_s=start.limit_s)
    if not findings and (start.whole is None or start.whole > start.limit_s):
        found = "not healthy" if start.whole is None else f"after {start.whole:g} s"
        findings.append(Finding(f"healthy within {start.limit_s:g} s", found, "the application services"))
    evidence.judge(findings)
