"""What a refused request looks like: 401, and nothing that ran. Shared by the criteria of cron and runner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.criterion import Evidence, Finding

if TYPE_CHECKING:
    from fixtures.canary.cron import Cron, CronAnswer, JobStates

CARRIERS = ("bearer", "token")
KINDS = ("wrong", "empty", "shortened", "lengthened", "in other case", "undefined")
MISPLACED = ("right, without a scheme", "right, by Basic", "right, in a cookie")
WRONG = ("absent", *(f"{kind}, as {carrier}" for kind in KINDS for carrier in CARRIERS), *MISPLACED)


def let_in(door: Cron, before: JobStates, answer: CronAnswer, evidence: Evidence) -> list[Finding]:
    """What tells that a request was not refused. Jobs that moved are evidence alone: a busy deployment moves them."""
    moved = before.moved(door.job_states())
    ran = door.set_in_motion(answer)
    followed = "no log of this host can be followed" if ran is None else f"{len(ran)} log lines tell of a run"
    evidence.record(
        answer.form, status=answer.status, request_id=answer.request_id, moved_meanwhile=moved, log=followed
    )
    where = f"{door.route}, credential {answer.form}"
    findings = []
    if answer.status != 401:
        findings.append(Finding("401", str(answer.status), where))
    elif answer.document.get("error") != "Unauthorized":
        findings.append(Finding('{"error":"Unauthorized"}', f"members {sorted(answer.document)}", where))
    if answer.tells_of_a_run:
        findings.append(Finding("an answer that tells of no run", f"members {sorted(answer.document)}", where))
    if ran:
        findings.append(Finding("no log line that tells of a run", f"requestId {answer.request_id}: {ran[0]}", where))
    return findings
