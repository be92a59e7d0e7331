"""A warm-up in trouble takes nothing with it: D4, contract section 8."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.warm_ups import Attempts, Overdue, Spoken

API = "prosaas-api"
TOLD = {
    "warmup.timed_out": "Agent warmup timeout waiting for migrations",
    "warmup.skipped": "Skipping agent warmup in production due to timeout",
    "warmup.first_requests": "Migrations may still be running. First requests may be slower.",
}
ATTEMPTS = 5


@criterion(
    "STA-05",
    "migrations not complete within the warm-up's timeout: in production the documented warnings, the app goes on and "
    "is ready once they have committed; in development RuntimeError and exit",
    severity="major",
    effect="disrupt",
    sources=["D4 §2"],
    remedy="Where wait_for_migrations(timeout) fails: in production log the three warnings and return, in development "
    "raise RuntimeError; never let the warm-up's thread end the process.",
    writes=["three copies of the API on a database of their own, whose migration lock is held for a while"],
)
def test_overdue_migrations_stop_development_only(overdue_warm_up: Overdue, evidence: Evidence) -> None:
    seen, logs = overdue_warm_up, overdue_warm_up.logs
    evidence.examine(seen.states, "starts of the API")
    evidence.record(API, states=dict(seen.states), alive=seen.alive, early=seen.early, late=seen.late, ended=seen.ended)
    production, development = f"{API} in production", f"{API} in development"
    state = seen.states["production"]
    findings = [] if state.startswith("running") else [Finding("the app goes on", state, production)]
    findings += [
        Finding(text, "says no such thing", production)
        for name, text in TOLD.items()
        if not logs.matches(name, "production")
    ]
    for when, expected, answered in (
        ("while it waits, /health", "200 ok", seen.alive),
        ("until the migrations have committed, /api/health", "503 initializing", seen.early),
        ("once they have, /api/health", "200 ok", seen.late),
    ):
        if answered != expected:
            findings.append(Finding(f"{when} {expected}", answered, production))
    if not seen.ended or not logs.matches("warmup.development_error", "development"):
        found = f"{seen.states['development']}, exit code {seen.ended}"
        findings.append(Finding("RuntimeError and an exit code other than 0", found, development))
    if gave_up := logs.matches("warmup.timed_out", "default"):
        where = f"{API} with AGENT_WARMUP_TIMEOUT_SECONDS unset"
        findings.append(Finding("waits on, for 60 s", f"line {gave_up.first[0].line}: {gave_up.first[0].text}", where))
    evidence.judge(findings)


@criterion(
    "STA-06",
    "DISABLE_TTS_WARMUP=true leaves out the warm-up of TTS only: agents are warmed as without it",
    severity="minor",
    effect="disrupt",
    sources=["D4 §1"],
    remedy="Ask for DISABLE_TTS_WARMUP around the TTS client alone, and start the agents' warm-up whatever it says.",
    writes=["two copies of the API on a database of their own"],
)
def test_no_speech_but_agents(warm_up_without_speech: Spoken, evidence: Evidence) -> None:
    seen, logs = warm_up_without_speech, warm_up_without_speech.logs
    findings = []
    for name, status in evidence.examine(seen.health.items(), "starts of the API"):
        where = f"{API} with DISABLE_TTS_WARMUP={'true' if name == 'disabled' else 'false'}"
        disabled, warmed = logs.matches("warmup.tts_disabled", name), logs.matches("warmup.agents_done", name)
        evidence.record(where, health=status, disabled=disabled.count, warmed=warmed.total)
        if bool(disabled) != (name == "disabled"):
            expected = "the line" if name == "disabled" else "no line"
            findings.append(Finding(f"{expected} TTS warmup disabled", f"{disabled.count} such lines", where))
        if not warmed or warmed.total != seen.active:
            findings.append(
                Finding(f"{seen.active} agents warmed", f"{warmed.total} agents in {warmed.count} lines", where)
            )
        if status != "200 ok":
            findings.append(Finding("/api/health 200 ok", status, where))
    evidence.judge(findings)


@criterion(
    "STA-11",
    "the agent warm-up tries a failing query up to 5 times with growing waits, then the app goes on",
    severity="minor",
    effect="disrupt",
    sources=["D4 §2"],
    remedy="Wrap the query of businesses in 5 attempts with exponential backoff, and return after the last.",
    writes=["a copy of the API on a database of its own, which refuses to tell its businesses"],
)
def test_failing_query_is_tried_again(warm_up_attempts: Attempts, evidence: Evidence) -> None:
    (seen,) = evidence.examine([warm_up_attempts], "starts of the API")
    evidence.record(API, attempts=seen.count, waits_s=list(seen.waits_s), state=seen.state, health=seen.health)
    findings = []
    if seen.count != ATTEMPTS:
        findings.append(Finding(f"{ATTEMPTS} attempts", f"{seen.count} attempts, waits of {seen.waits_s} s", API))
    if not seen.growing:
        findings.append(Finding("each wait longer than the one before", f"waits of {seen.waits_s} s", API))
    if not seen.state.startswith("running") or seen.health != "200 ok":
        found = f"{seen.state}, /api/health {seen.health}: {seen.last_line[:200]}"
        findings.append(Finding("the app goes on", found, API))
    evidence.judge(findings)
