"""What a service does with an address that it cannot use: D0a section 3, D0b section 3, contract section 8."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.starts import Start

    Refusals = Mapping[str, Mapping[str, Start]]  # by what was wrong with the value, then by service

SERVICES = ("prosaas-api", "prosaas-calls", "worker")
NO_VALUE = ("unset", "empty", "blank")
MALFORMED = ("no scheme", "no @", "another scheme")
# how a message shows what is expected: with placeholders in capitals where a value would stand
FORM = {
    "DATABASE_URL": re.compile(r"postgres(?:ql)?(?:\+\w+)?://<?[A-Z][A-Z_]*\b"),
    "REDIS_URL": re.compile(r"rediss?://<?[A-Z][A-Z_]*\b"),
}
REMEDY = (
    "Call validate_database_url() before anything else in the service's start, and let it log one line at CRITICAL "
    "(the variable, and postgresql://USER:PASSWORD@HOST:PORT/DATABASE as an example), then sys.exit(1)."
)


def refusal(start: Start, variable: str, given: str, evidence: Evidence) -> list[Finding]:
    """What is missing of a proper refusal: an end in time, an exit code, one clear line, no secret."""
    where = f"{start.service}: {variable} {given}"
    evidence.examine([start], "starts")
    evidence.record(where, state=start.state, seconds=start.seconds, lines=len(start.lines), last=start.last_line[:200])
    if start.seconds is None:
        return [Finding(f"ends within {start.limit_s:g} s", f"still running: {start.state}", where)]
    findings = []
    if start.seconds > start.limit_s:
        findings.append(Finding(f"ends within {start.limit_s:g} s", f"ended after {start.seconds:g} s", where))
    if not start.exit_code:
        findings.append(Finding("an exit code other than 0", f"exit code {start.exit_code}", where))
    named = [line for line in start.lines if variable in line]
    if not any(FORM[variable].search(line) for line in named):
        shown = f"{named[0]}, without a form" if named else start.last_line
        findings.append(Finding(f"one line that names {variable} and shows the expected form", shown[:300], where))
    if start.traced:
        findings.append(Finding("one clear line", "a stack trace", where))
    if start.printed or any("[secret." in line for line in start.lines):
        findings.append(Finding("the value is not printed", "it stands in the log", where))
    return findings


@criterion(
    "DBU-03",
    "DATABASE_URL unset, empty or blank: api, calls and worker each exit non-zero within 10 s with one clear line that "
    "names it and shows the expected form without a real value",
    severity="critical",
    effect="disrupt",
    sources=["D0a §3", "D0b §3"],
    remedy=REMEDY,
    writes=["a start of a copy of each application service for each kind of missing value"],
)
@pytest.mark.parametrize("given", NO_VALUE)
@pytest.mark.parametrize("service", SERVICES)
def test_no_start_without_a_database_url(
    service: str, given: str, without_database_url: Refusals, evidence: Evidence
) -> None:
    evidence.judge(refusal(without_database_url[given][service], "DATABASE_URL", given, evidence))


@criterion(
    "DBU-04",
    "DATABASE_URL without ://, without @, or with a scheme that is not PostgreSQL's: refused in the same way, and the "
    "value is not printed",
    severity="critical",
    effect="disrupt",
    sources=["D0a §3", "contract §8"],
    remedy=REMEDY,
    writes=["a start of a copy of each application service for each kind of malformed value"],
)
@pytest.mark.parametrize("given", MALFORMED)
@pytest.mark.parametrize("service", SERVICES)
def test_no_start_with_a_malformed_url(
    service: str, given: str, with_malformed_url: Refusals, evidence: Evidence
) -> None:
    evidence.judge(refusal(with_malformed_url[given][service], "DATABASE_URL", f"with {given}", evidence))


@criterion(
    "DBU-05",
    "SQLite as DATABASE_URL in production: refused in the same way by api, calls and worker",
    severity="critical",
    effect="disrupt",
    sources=["D0a §3"],
    remedy=REMEDY,
    writes=["a start of a copy of each application service"],
)
@pytest.mark.parametrize("service", SERVICES)
def test_no_start_with_sqlite(service: str, with_sqlite: Refusals, evidence: Evidence) -> None:
    evidence.judge(refusal(with_sqlite["a file"][service], "DATABASE_URL", "of SQLite", evidence))


@criterion(
    "DBU-06",
    "postgres:// is taken as postgresql://: api, calls and worker start with it and are healthy",
    severity="major",
    effect="disrupt",
    sources=["D0a §3"],
    remedy="In validate_database_url(), replace a leading postgres:// by postgresql:// before anything else.",
    writes=["a start of a copy of each application service, on a database of its own"],
)
@pytest.mark.parametrize("service", SERVICES)
def test_short_scheme_is_taken(
    service: str, started_with_postgres_scheme: Mapping[str, Start], evidence: Evidence
) -> None:
    (start,) = evidence.examine([started_with_postgres_scheme[service]], "starts")
    where = f"{service}: DATABASE_URL with postgres://"
    evidence.record(where, state=start.state, last=start.last_line[:200])
    found = f"{start.state}: {start.last_line[:300]}"
    evidence.judge([] if start.healthy else [Finding("running and healthy", found, where)])


@criterion(
    "DBU-07",
    "a worker without REDIS_URL exits non-zero within 10 s with one clear line that names it",
    severity="major",
    effect="disrupt",
    sources=["D0a Environment Variables Summary"],
    remedy="Check REDIS_URL beside DATABASE_URL at the start of the worker: one line at CRITICAL, then sys.exit(1).",
    writes=["a start of a copy of the worker for each kind of missing value"],
)
@pytest.mark.parametrize("given", NO_VALUE)
def test_no_worker_without_redis(given: str, without_redis_url: Refusals, evidence: Evidence) -> None:
    evidence.judge(refusal(without_redis_url[given]["worker"], "REDIS_URL", given, evidence))
