"""What was refused has changed nothing, though jobs waited to be taken all the time. D3 B1, contract section 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import CheckError, Evidence, Finding, criterion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixtures.canary.untouched import Untouched


@criterion(
    "CRN-10",
    "while a job is due and another was abandoned, what cron and runner refuse, for its credential or its max, changes "
    "no row; the right one runs both",
    severity="critical",
    effect="disrupt",
    sources=["D3 B1", "contract §1"],
    remedy="Compare the credential, and read max as a number from 1 to 50, before anything else is done: an answer of "
    "401 or 400 does not call back a run, nor take back what was recovered.",
    sends=4,
    needs=["graph"],
    writes=["a copy of web on a database of its own, 4 messages to it; both are removed"],
)
@pytest.mark.parametrize("door", ["cron", "runner"])
def test_what_was_refused_has_changed_nothing(
    door: str, untouched: Mapping[str, Untouched], evidence: Evidence
) -> None:
    asked = untouched[door]
    evidence.examine(asked.answers, "answers")
    evidence.record(
        door,
        answers=dict(asked.answers),
        rows=asked.rows,
        then={wait: str(stored) for wait, stored in asked.ended.items()},
    )
    findings = [*asked.wrong]
    findings += [Finding(each.expected, each.found, f"{asked.route}: {each.where}") for each in asked.changes]
    left = {wait: stored for wait, stored in asked.ended.items() if not stored.done}
    if left and not findings:
        told = "; ".join(f"{wait}: {stored}" for wait, stored in left.items())
        raise CheckError(f"the right token did not run the jobs, so perhaps nobody could have: {told}")
    evidence.judge(findings)
