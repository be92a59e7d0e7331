"""Recordings as logs, records and slots tell them after the fact. D1, contract section 5."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from acceptance.prosaas.reading import call_of, lines
from fixtures.criterion import Evidence, Finding, Unmeasured, criterion, reads
from fixtures.facts.logs import Match
from fixtures.polling import eventually

if TYPE_CHECKING:
    from fixtures.facts.collect import Facts
    from fixtures.facts.containers import ServiceFacts
    from fixtures.facts.logs import Logs
    from fixtures.facts.slots import Slot

PICKED, ACQUIRED, DONE = "recording.picked", "recording.slot_acquired", "recording.downloaded"
RELEASED, FAILED = "recording.released", "recording.failed"
WHOLE = [PICKED, ACQUIRED, DONE, RELEASED]
TRIED = [PICKED, ACQUIRED, RELEASED]  # and not with success: it is tried again
SUCCESS = re.compile(r"\breason[\"']?\s*[=:]\s*[\"']?success")
NO_BYTES = re.compile(r"\bbytes[\"']?\s*[=:]\s*[\"']?0\b")
SETTLES_S = 8.0
AFTER_A_CALL = "judge again after a call has been recorded"


def attempts(matches: list[Match]) -> list[list[Match]]:
    """The lines of one call, cut where a job was picked after the one before had ended, or had found no free slot."""
    found: list[list[Match]] = []
    for match in matches:
        steps = [m.pattern for m in found[-1]] if found else []
        if match.pattern == PICKED and (not steps or RELEASED in steps or ACQUIRED not in steps):
            found.append([match])
        elif found:
            found[-1].append(match)
    return found


def wrong(attempt: list[Match]) -> str:
    """What the lines of one attempt should have been; "" where they are that, or where it has not ended."""
    steps = [match.pattern for match in attempt]
    if steps.count(PICKED) > 1:
        return "picked once"
    if FAILED in steps:
        good = RELEASED in steps and (DONE not in steps or steps.index(DONE) < steps.index(FAILED))
        return "" if good else "a failed job that ends with the release of its slot"
    if steps in (WHOLE, WHOLE[:1], WHOLE[:2]) or (steps == TRIED and not SUCCESS.search(attempt[-1].text)):
        return ""
    return "picked, slot acquired, download done, slot released, each once and in this order"


@criterion(
    "REC-02",
    "for each job picked in the window and ended, picked, slot acquired, download done, slot released stand in that "
    "order with the same call_sid; failed ones end with a release too",
    severity="major",
    effect="observe",
    sources=["D1 Step 5", "D1 Success Metrics"],
    remedy="Release the slot in a finally block, on every path out of the job, and pick each call once.",
)
def test_jobs_tell_their_steps_in_order(services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    names = [service.name for service in services.application]
    calls: dict[str, list[Match]] = {}
    for match in logs.matches((*WHOLE, FAILED), names).all_kept:
        calls.setdefault(call_of(match), []).append(match)
    jobs = [job for call, matches in calls.items() if call for job in attempts(matches)]
    if not jobs:
        raise Unmeasured("no recording job was picked in the log window", AFTER_A_CALL)
    evidence.examine(jobs, "jobs picked in the window")
    findings = []
    for job in jobs:
        if expected := wrong(job):
            steps = ", ".join(match.pattern.partition(".")[2] for match in job)
            where = f"{job[0].service}: call_sid {call_of(job[0])}"
            findings.append(Finding(expected, steps, where, job[0].at.isoformat()))
    evidence.judge(findings)


@criterion(
    "REC-03",
    "no slot leaks: slots in Redis belong to jobs that run",
    severity="critical",
    effect="observe",
    sources=["D1 Performance Expectations"],
    remedy="redis-cli SREM rec_slots:<business> <call_sid>; then see why the job did not release it: "
    "a worker that was killed, a path out of the job without the finally block.",
)
def test_no_slot_leaks(read_slots: Callable[[], list[Slot]], evidence: Evidence) -> None:
    evidence.examine(["rec_slots:*"], "families of keys")
    # a job that takes or returns a slot at this moment is no leak: only what is unused at every look is one
    unused: list[set[tuple[str, str]]] = []

    def look() -> list[Slot]:
        slots = read_slots()
        unused.append({(slot.business, slot.call_sid) for slot in slots if not slot.is_used})
        return slots

    last = eventually("slots to be used or given back", look, lambda _: not unused[-1], budget_s=SETTLES_S).value
    leaked = set.intersection(*unused)
    evidence.record("rec_slots", taken=len(last), leaked=len(leaked))
    evidence.judge(
        Finding("a job that runs", ", then ".join(slot.runs) or "no run is recorded", str(slot))
        for slot in last
        if (slot.business, slot.call_sid) in leaked
    )


@criterion(
    "REC-08",
    "every run completed in the window has its WORKER_DOWNLOAD_DONE with bytes > 0, "
    "and every such line its completed run",
    severity="major",
    effect="observe",
    sources=["D1 Success Metrics", "D1 Post-Deployment 2"],
    remedy="Record a run as completed only after its download has been written, and write the line where that is done.",
)
@reads("recording_runs_completed")
def test_downloads_and_records_match(services: ServiceFacts, logs: Logs, facts: Facts, evidence: Evidence) -> None:
    names = [service.name for service in services.application]
    downloads = logs.matches(DONE, names).all_kept
    runs = [
        run
        for run in facts.rows("recording_runs_completed", since=logs.floor)
        if not any(p.service in names and p.start <= run["completed_at"] <= p.end for p in facts.left_out)
    ]
    if not downloads and not runs:
        raise Unmeasured("no recording was downloaded in the log window", AFTER_A_CALL)
    evidence.examine([*downloads, *runs], "downloads and completed runs")
    told, kept = {call_of(match) for match in downloads}, {row["call_sid"] for row in runs}
    findings = [
        Finding("its WORKER_DOWNLOAD_DONE", "no such line", f"recording_runs row {row['id']}: {row['call_sid']}")
        for row in runs
        if row["call_sid"] not in told
    ]
    for match in downloads:
        if call_of(match) not in kept:
            findings += lines([match], "a run recorded as completed")
        if NO_BYTES.search(match.text):
            findings += lines([match], "bytes > 0")
    evidence.judge(findings)
