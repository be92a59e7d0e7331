"""Recordings from the telephony service's announcement to the user who plays them. D1, contract section 5."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import Evidence, Finding, Unmeasured, criterion
from fixtures.polling import eventually

if TYPE_CHECKING:
    from fixtures.canary.recording_lines import JobLines
    from fixtures.canary.recordings import Call, Recordings

PICKED_S, PLAYABLE_S, SETTLES_S = 2.0, 10.0, 8.0
ENDED_S, ALL_DONE_S = 60.0, 80.0
TRIES, ENOUGH = 3, 2  # recordings that are announced one after another once the first was late, and how many convict
IDLE_S = 10.0  # between them
SIGNATURES = ("missing", "empty", "random", "truncated", "lengthened", "other-case", "another-token", "another-call")
WRITES = ["calls of the canary's business with their runs and files"]


def taken(calls: Sequence[Call]) -> list[Finding]:
    """Announcements that the webhook did not take."""
    return [
        Finding("200 or 204 from the webhook", f"{call.answered}", call.sid)
        for call in calls
        if call.answered not in (200, 201, 202, 204)
    ]


def slot_kept(recordings: Recordings, call: Call) -> list[Finding]:
    """A slot or lease that is still there after the job."""
    if recordings.slot_left(call, SETTLES_S).met:
        return []
    return [Finding("its slot free again", "rec_slots or rec_inflight still has it", call.sid)]


def picked_up_late(recordings: Recordings, call: Call, evidence: Evidence) -> list[Finding]:
    """Wait until our telephony service is asked for the recording; a finding where that took too long."""
    waited = eventually(
        f"{call.sid} to be picked up",
        lambda: len(recordings.requests(call)),
        bool,
        budget_s=PLAYABLE_S,
        interval_s=0.1,
    )
    evidence.record(call.sid, webhook=call.answered, picked_s=round(waited.seconds, 2))
    if waited.met and waited.seconds <= PICKED_S:
        return []
    found = f"after {waited.seconds:.1f} s" if waited.met else f"not within {waited.seconds:.1f} s"
    return [Finding(f"picked up within {PICKED_S:g} s", found, f"telephony service: {call.recording}")]


def played(recordings: Recordings, call: Call, budget_s: float) -> list[Finding]:
    """Wait until the recording is played, and compare it with what our telephony service gave."""
    waited = eventually(
        f"{call.sid} to be playable", lambda: recordings.play(call), lambda got: got.status != 202, budget_s=budget_s
    )
    answer, where = waited.value, f"GET /api/recordings/{call.sid}/stream"
    if answer.status != 200:
        return [Finding(f"200 within {budget_s:g} s", f"{answer.status}", where)]
    given = [entry["verdict"].get("given_sha256") for entry in recordings.requests(call)]
    findings = []
    if hashlib.sha256(answer.body).hexdigest() not in given:
        findings.append(Finding("the recording that was fetched", f"other {len(answer.body)} bytes", where))
    if not answer.content_type.startswith("audio/"):
        findings.append(Finding("audio", answer.content_type or "no content type", where))
    return findings


@criterion(
    "REC-01",
    "a recording webhook is picked up within 2 s when a slot is free, is playable within 10 s of that, and its slot "
    "is free again",
    severity="critical",
    effect="canary",
    sources=["D1 Performance Expectations", "D1 Success Metrics", "D1 Test Recording Playback"],
    remedy="See that the API enqueues into recordings, that a worker listens there and is free, and that API and "
    "worker share the volume of RECORDINGS_DIR; then ./scripts/dcprod.sh restart worker.",
    needs=["telephony"],
    writes=WRITES,
)
def test_recording_is_played(recordings: Recordings, recording_limit: int, evidence: Evidence) -> None:
    busy = recordings.slots()
    if len(busy) >= recording_limit:
        raise Unmeasured(f"all {recording_limit} slots of the canary's business are taken", "see REC-03")
    findings: list[Finding] = []
    late: list[Finding] = []
    for _ in range(TRIES):
        (call,) = evidence.examine(recordings.announce("ok"), "recordings")
        late += picked_up_late(recordings, call, evidence)
        findings += taken([call]) + played(recordings, call, PLAYABLE_S) + slot_kept(recordings, call)
        if findings or not late or len(late) == ENOUGH:
            break  # of three, one that is late may be a busy machine's doing; two are the worker's
        recordings.idle(IDLE_S)  # who is late after a pause only must be found out as well
    evidence.judge(findings + (late if findings or len(late) == ENOUGH else []))


@criterion(
    "REC-04",
    "a failing download, after its last retry: slot released, run failed with error_message, who plays it told so, "
    "one WORKER_JOB_FAILED line without a trace",
    severity="critical",
    effect="canary",
    sources=["D1 Security Verification", "D1 Performance Expectations", "D1 Success Metrics"],
    remedy="Catch every failure of a download in the job, record it with its message, log one line, and release the "
    "slot in a finally block; answer 500 to who plays it, for 202 means that there will be something to play.",
    needs=["telephony"],
    writes=WRITES,
)
@pytest.mark.parametrize("trouble", ["500", "reset"])
def test_failed_download_is_told(
    recordings: Recordings, recording_lines: JobLines, trouble: str, evidence: Evidence
) -> None:
    (call,) = calls = evidence.examine(recordings.announce(trouble), f"recordings whose download ends with {trouble}")
    waited = eventually(
        f"{call.sid} to fail for good",
        lambda: [run["status"] for run in recordings.runs(call)],
        lambda states: bool(states) and states[-1] not in ("queued", "running"),
        budget_s=ENDED_S,
    )
    findings = taken(list(calls))
    runs = recordings.runs(call)
    asked = len(recordings.requests(call))
    for run in runs:
        if run["status"] != "failed":
            findings.append(Finding("status failed", str(run["status"]), f"recording_runs row {run['id']}"))
        elif not str(run["error_message"] or "").strip():
            findings.append(Finding("error_message", "none", f"recording_runs row {run['id']}"))
    if not runs:
        findings.append(Finding("a run that failed", "no row", f"recording_runs: {call.sid}"))
    findings += slot_kept(recordings, call)
    answer = recordings.play(call)
    if answer.status != 500:
        where = f"GET /api/recordings/{call.sid}/stream, its download having failed"
        findings.append(Finding("500", f"{answer.status}", where))
    told = recording_lines.failures(call.sid)
    evidence.record(call.sid, states=waited.value, asked=asked, lines=told)
    if told is not None:
        if len(told) != 1:
            findings.append(Finding("one WORKER_JOB_FAILED line", f"{len(told)}", f"worker: {call.sid}"))
        findings += [Finding("no stack trace", line, f"worker: {call.sid}") for line in recording_lines.traces]
    if not asked:
        findings.append(Finding("a download that was tried", "no request", f"telephony service: {call.recording}"))
    evidence.judge(findings)


@criterion(
    "REC-06",
    "more recordings than slots: all get done, none lost, never more than the limit at once",
    severity="major",
    effect="canary",
    sources=["contract §5"],
    remedy="Take the slot in one step with the question whether one is free, put who finds none into the waiting "
    "line, and enqueue the first of the line when a slot is given back.",
    needs=["telephony"],
    writes=WRITES,
)
def test_more_recordings_than_slots(recordings: Recordings, recording_limit: int, evidence: Evidence) -> None:
    behaviours = ["slow"] * (recording_limit + 3)
    calls = evidence.examine(recordings.announce(*behaviours), "recordings at once")
    most = 0

    def unfinished() -> list[str]:
        nonlocal most
        most = max(most, len(recordings.slots()))
        return [run["call_sid"] for run in recordings.runs(*calls) if run["status"] in ("queued", "running")]

    waited = eventually("all recordings to be done", unfinished, lambda left: not left, budget_s=ALL_DONE_S)
    findings = taken(list(calls))
    findings += [Finding("done", f"waits after {waited.seconds:.0f} s", call) for call in waited.value]
    for call in calls:
        if call.sid not in waited.value:
            findings += played(recordings, call, PLAYABLE_S)
    at_once = max((r["verdict"].get("at_once", 0) for call in calls for r in recordings.requests(call)), default=0)
    evidence.record("at once", downloads=at_once, slots=most, limit=recording_limit, seconds=round(waited.seconds, 1))
    if not most:
        findings.append(Finding("slots taken meanwhile", "none", f"rec_slots:{recordings.business_id}"))
    for what, number in (("downloads", at_once), ("slots", most)):
        if number > recording_limit:
            findings.append(Finding(f"at most {recording_limit} {what} at once", f"{number}", "rec_slots"))
    evidence.judge(findings)


@criterion(
    "REC-07",
    "the webhook refuses a bad signature",
    severity="critical",
    effect="probe",
    sources=["contract §5"],
    remedy="Compare X-Twilio-Signature with the HMAC-SHA1 over the public URL and the sorted fields before anything "
    "else, in constant time, and refuse with 403; see that TWILIO_AUTH_TOKEN and PUBLIC_BASE_URL are set.",
    requests=["one recording webhook for each kind of wrong signature, of a recording not yet completed"],
)
@pytest.mark.parametrize("kind", SIGNATURES)
def test_bad_signature_is_refused(recordings: Recordings, kind: str, evidence: Evidence) -> None:
    form, headers = recordings.forged(kind)
    evidence.examine([form["CallSid"]], "announcements")
    answer = recordings.send(form, headers)
    evidence.record(kind, answered=answer.status)
    findings = [] if answer.status == 403 else [Finding("403", f"{answer.status}", f"signature {kind}")]
    if recordings.stored(form["CallSid"]):
        findings.append(Finding("nothing stored", "rows of the call", form["CallSid"]))
    right = recordings.send(form, {"X-Twilio-Signature": recordings.signature(form)})
    if right.status == 403:
        findings.append(Finding("the right signature taken", "403", "signature right"))
    evidence.judge(findings)
