"""Web push under hardship: what a push service answers, or does not, and what a dispatch makes of it. D0a section 5."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.push_trials import Dispatched, Seen, Silence

# as fixtures.canary.push_trials names them
REFUSALS = ("429", "400", "500", "503")
SAYS_GONE = ("400 whose body says gone", "429 whose body says gone", "500 whose body says gone")
NO_ANSWER = ("connection reset", "connection refused", "timeout")
GONE = ("410", "404")
WRITES = ["1 push subscription of the canary user for each case"]
SENDS = 12
NONE_GONE = "0/1 successful"
AT_ERROR, TOO_LOUD = ("ERROR", "CRITICAL"), ("WARNING", "ERROR", "CRITICAL")


def record(dispatched: Dispatched, evidence: Evidence) -> tuple[Seen, ...]:
    """What one dispatch did and reported; its subscriptions."""
    evidence.examine(dispatched.seen, "subscriptions of one dispatch")
    evidence.record(
        "dispatch",
        result=str(dispatched.result),
        seconds=round(dispatched.seconds, 2),
        rows={seen.row_id: seen.is_active for seen in dispatched.seen},
        answered=[[delivery["answered"] for delivery in seen.deliveries] for seen in dispatched.seen],
    )
    return dispatched.seen


def told_once(dispatched: Dispatched, said: str, name: str, evidence: Evidence) -> list[Finding]:
    """Whether one line tells of the dispatch, and says what it should."""
    record(dispatched, evidence)
    where = f"log of prosaas-api, {name}"
    lines = [entry.text for entry in dispatched.told if "ispatch complete" in entry.text]
    evidence.record(f"log, {name}", dispatch_lines=len(lines))
    count = [] if len(lines) == 1 else [Finding("1 line of the dispatch", f"{len(lines)} lines", where)]
    return count + [Finding(said, line[-120:], where) for line in lines if said not in line]


@criterion(
    "PSH-04",
    "429, 400, 5xx, refused, timeout: the subscription stays active, whatever the body says",
    severity="critical",
    effect="canary",
    sources=["D0a §5"],
    remedy="Deactivate on the status codes 410 and 404 alone; look neither at the body nor at the exception's text.",
    sends=SENDS,
    needs=["push"],
    writes=WRITES,
)
@pytest.mark.parametrize("name", [*REFUSALS, *SAYS_GONE, *NO_ANSWER])
def test_passing_failure_keeps_it_active(name: str, push_answers: Mapping[str, Dispatched], evidence: Evidence) -> None:
    dispatched = push_answers[name]
    (seen,) = record(dispatched, evidence)
    findings = []
    if dispatched.result is None or (dispatched.result.total, dispatched.result.failed) != (1, 1):
        findings.append(Finding("total 1, failed 1", str(dispatched.result), f"POST /api/push/test, {name}"))
    if name != "connection refused" and not seen.deliveries:
        findings.append(Finding(f"a request that met {name}", "none", seen.where))
    if not seen.is_active:
        findings.append(Finding(f"is_active true after {name}", "is_active false", seen.where))
    evidence.judge(findings)


@criterion(
    "PSH-05",
    "8 subscriptions, 3 of them gone: 5 delivered, 3 rows inactive, and the answer and one dispatch line say so; a "
    "dispatch of which none is gone has its line, too",
    severity="major",
    effect="canary",
    sources=["D0a §5"],
    remedy="Try every subscription whatever became of the one before; count what was delivered and deactivated, and "
    "log one line `Push dispatch complete: 5/8 successful, 3 expired subscriptions deactivated`.",
    sends=8 + SENDS,
    needs=["push"],
    writes=["8 push subscriptions of the canary user", *WRITES],
)
@pytest.mark.parametrize("part", ["done", "told", "none gone, told"])
def test_three_of_eight_are_gone(
    part: str,
    five_of_eight: Dispatched,
    answer_by_answer: Callable[[], Mapping[str, Dispatched]],
    evidence: Evidence,
) -> None:
    if part == "none gone, told":
        alive = {name: one for name, one in answer_by_answer().items() if name in REFUSALS}
        evidence.judge([found for name, one in alive.items() for found in told_once(one, NONE_GONE, name, evidence)])
        return
    if part == "told":
        evidence.judge(told_once(five_of_eight, "5/8 successful, 3 expired", "8 subscriptions", evidence))
        return
    seen = record(five_of_eight, evidence)
    findings = []
    delivered, inactive = sum(one.accepted for one in seen), sum(not one.is_active for one in seen)
    if delivered != 5:
        findings.append(Finding("5 messages delivered", f"{delivered}", "push service"))
    if inactive != 3:
        findings.append(Finding("3 rows inactive", f"{inactive}", "push_subscriptions"))
    result = five_of_eight.result
    answered = (result.total, result.successful, result.deactivated) if result else None
    if answered != (8, 5, 3):
        findings.append(Finding("total 8, successful 5, deactivated 3", str(result), "POST /api/push/test"))
    evidence.judge(findings)


@criterion(
    "PSH-06",
    "a delivered message decrypts with the subscription's keys, and its VAPID token verifies",
    severity="major",
    effect="canary",
    sources=["contract §6"],
    remedy="Encrypt with aes128gcm (RFC 8291) for p256dh and auth of the row; sign a token (RFC 8292) whose aud is the "
    "endpoint's origin with the key that /api/push/vapid-public-key gives out.",
    sends=8,
    needs=["push"],
    writes=["8 push subscriptions of the canary user"],
)
def test_message_can_be_read(five_of_eight: Dispatched, evidence: Evidence) -> None:
    deliveries = [delivery for seen in record(five_of_eight, evidence) for delivery in seen.deliveries]
    findings = []
    for delivery in evidence.examine(deliveries, "messages at the push service"):
        verdict, where = delivery["verdict"], f"message {delivery['id']} at the push service"
        if not verdict["vapid_ok"]:
            findings.append(Finding("a VAPID token that verifies", str(verdict["vapid_error"]), where))
        if not verdict["decrypted"]:
            found = f"cannot be decrypted: {verdict.get('decrypt_error')}"
            findings.append(Finding("decrypts with the subscription's keys", found, where))
        findings += [Finding("a request as RFC 8030 has it", problem, where) for problem in verdict["problems"]]
    evidence.judge(findings)


@criterion(
    "PSH-10",
    "a push service that never answers: the call ends within 10 s a subscription, /api/health answers within 1 s "
    "meanwhile, and the other subscriptions get theirs",
    severity="major",
    effect="canary",
    sources=["contract §6"],
    remedy="Give every send a timeout of its own (PUSH_TIMEOUT_SECONDS, at most 10), go on with the next subscription, "
    "and run the API with several threads.",
    sends=3,
    needs=["push"],
    writes=["3 push subscriptions of the canary user"],
)
def test_silent_push_service(silent_push: Silence, evidence: Evidence) -> None:
    dispatched, limit_s = silent_push.dispatched, silent_push.limit_s
    first, silent, last = record(dispatched, evidence)
    slow = [took for took in silent_push.asked_s if took is None or took > silent_push.answer_s]
    evidence.record("/api/health meanwhile", asked=len(silent_push.asked_s), slow=len(slow))
    findings = []
    if dispatched.result is None:
        found = f"no answer after {dispatched.seconds:.0f} s"
        findings.append(Finding(f"answered within {limit_s:g} s", found, "POST /api/push/test"))
    if len(silent.deliveries) != 1:
        findings.append(Finding("1 request to the silent one", f"{len(silent.deliveries)}", silent.where))
    # one answer may be late on a machine that is busy elsewhere
    if len(slow) > 1 or len(slow) == len(silent_push.asked_s):
        found = f"{len(slow)} of {len(silent_push.asked_s)} took longer or failed"
        findings.append(Finding(f"answers within {silent_push.answer_s:g} s meanwhile", found, "GET /api/health"))
    findings += [
        Finding("1 message delivered beside a silent push service", f"{seen.accepted}", seen.where)
        for seen in (first, last)
        if seen.accepted != 1
    ]
    evidence.judge(findings)


@criterion(
    "PSH-11",
    "429, 400, 5xx, refused and timeout are each logged once at ERROR; 410 and 404 never at WARNING or ERROR",
    severity="minor",
    effect="canary",
    sources=["D0b §6", "contract §6"],
    remedy="Log 410 and 404 at INFO, and every other failure of a send once, at ERROR.",
    sends=SENDS,
    needs=["push"],
    writes=WRITES,
)
@pytest.mark.parametrize("name", [*GONE, *REFUSALS, *SAYS_GONE, *NO_ANSWER])
def test_failures_are_told_once(name: str, push_answers: Mapping[str, Dispatched], evidence: Evidence) -> None:
    dispatched = push_answers[name]
    record(dispatched, evidence)
    told = evidence.examine(dispatched.told, "log entries about push")
    counts = {level: sum(entry.level == level for entry in told) for level in ("INFO", *TOO_LOUD)}
    evidence.record("log", **counts)
    findings = []
    if name in GONE:
        loud = [entry for entry in told if entry.level in TOO_LOUD]
        findings += [Finding(f"{name} at INFO", entry.text[-160:], "log of prosaas-api") for entry in loud]
    else:
        errors = sum(counts[level] for level in AT_ERROR)
        if errors != 1:
            where = f"log of prosaas-api, {name}"
            findings.append(Finding("1 entry at ERROR", f"{errors} at ERROR, {counts['INFO']} at INFO", where))
    evidence.judge(findings)
