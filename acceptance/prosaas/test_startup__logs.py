"""What the API's log tells of its warm-up: D4, contract section 8."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acceptance.prosaas.reading import by_container, lines
from fixtures.criterion import CheckError, Evidence, Finding, criterion, reads
from fixtures.facts.containers import ServiceFacts
from fixtures.facts.deployment import Expected
from fixtures.facts.logs import Logs
from fixtures.polling import eventually

if TYPE_CHECKING:
    from fixtures.facts.collect import Facts

API = "prosaas-api"
START_S = 40.0  # D1: how long the API may take to start; until then a warm-up is waited for


@criterion(
    "STA-04",
    "the warm-up of agents starts after the migrations of the same process start are complete",
    severity="minor",
    effect="observe",
    sources=["D4 Expected Log Output"],
    remedy="Have the agent warm-up wait for the signal that the migrations have committed.",
)
def test_warm_up_follows_the_migrations(
    services: ServiceFacts, inventory: Expected, logs: Logs, evidence: Evidence
) -> None:
    api, runner = services[API], services[inventory.migrations_by]
    warm_ups = logs.matches("warmup.agents_started", API, since="start")
    completed = by_container(logs.matches("migration.complete", runner.name, since="start").first)
    evidence.examine(logs[API], "logs of the API")
    evidence.record(API, warm_ups=warm_ups.count, completed=sum(map(len, completed.values())), lines=warm_ups.lines)
    findings = []
    if not warm_ups:
        findings.append(Finding("a warm-up of agents after the start", "no such line", API, api.since))
    for match in warm_ups.first:
        if runner.name == API:
            before = [done for done in completed.get(match.container, []) if done.line < match.line]
        else:
            before = [done for dones in completed.values() for done in dones if done.at <= match.at]
        if not before:
            findings += lines([match], "warm-up after the migrations are complete")
    evidence.judge(findings)


@criterion(
    "STA-12",
    "the agent warm-up ended: found as many businesses as are active, and warmed them",
    severity="minor",
    effect="observe",
    sources=["D4 Expected Log Output", "D4 What NOT To Do"],
    remedy="Read the API's log from `Pre-creating agents` on; a warm-up that gave up says after how many attempts.",
)
@reads("active_businesses")
def test_every_active_business_was_warmed_up(
    services: ServiceFacts, logs: Logs, facts: Facts, evidence: Evidence
) -> None:
    evidence.examine(logs[API], "logs of the API")
    if not logs.matches("warmup.agents_done", API, since="start") and services[API].up_s < START_S:
        logs = eventually(
            "the warm-up of a young API",
            lambda: logs.since(logs.floor),
            lambda read: bool(read.matches("warmup.agents_done", API, since="start")),
            budget_s=START_S - services[API].up_s,
            interval_s=1.0,
        ).value
    found = logs.matches("warmup.agents_found", API, since="start")
    done = logs.matches("warmup.agents_done", API, since="start")
    evidence.record(API, found=found.total, warmed=done.total, lines=found.lines)
    if not found or not done:
        missing = "no businesses looked for" if not found else "businesses found, no agents warmed"
        evidence.judge([Finding("an agent warm-up that ended", missing, API, services[API].since)])
    rows = facts.rows("active_businesses", before=found.first[-1].at)
    if not rows:
        raise CheckError("the database does not say how many businesses are active")
    active = rows[0]["active"]
    evidence.record("business", active=active)
    findings = []
    # several processes of one service each warm all of them
    if found.total != active * found.count:
        findings += lines(found.first[-1:], f"found {active} active businesses")
    if done.total != active * found.count or done.count != found.count:
        findings += lines(done.first[-1:], f"warmed up {active} agents")
    evidence.judge(findings)
