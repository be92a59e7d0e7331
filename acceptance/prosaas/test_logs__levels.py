"""LOG_LEVEL turns the verbose lines on and off: D2 Debug Mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acceptance.prosaas.reading import lines
from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.verbosity import Verbose


@criterion(
    "LOG-10",
    "LOG_LEVEL=DEBUG turns the verbose lines on, INFO turns them off again, without a rebuild",
    severity="minor",
    effect="disrupt",
    sources=["D2 Debug Mode"],
    remedy="Read LOG_LEVEL at the start of the process, and give it to the root logger; no logger of its own level.",
    writes=["two copies of each application service, on a database and a Redis number of their own"],
)
@pytest.mark.parametrize("service", ["prosaas-api", "prosaas-calls", "worker"])
def test_log_level_is_switched(service: str, at_log_levels: Verbose, evidence: Evidence) -> None:
    seen, findings = at_log_levels, []
    keys = evidence.examine([(service, "DEBUG"), (service, "INFO")], "log levels")
    for key in keys:
        where = f"{service} with LOG_LEVEL={key[1]}"
        found = seen.logs.matches("entry.debug", seen.names[key])
        evidence.record(where, state=seen.states[key], debug=found.count, lines=found.lines)
        if seen.states[key] != "running (healthy)":
            findings.append(Finding("running (healthy)", seen.states[key], where))
        if key[1] == "DEBUG" and not found:
            findings.append(Finding("verbose lines", f"0 DEBUG lines of {found.lines}", where))
        if key[1] == "INFO":
            findings += lines(found.first[:1], f"no DEBUG line with LOG_LEVEL=INFO, found {found.count}")
    if len({seen.images[key] for key in keys}) != 1:
        findings.append(Finding("one image for both levels", "two images", service))
    evidence.judge(findings)
