"""The repair of the drift can be repeated, and the deployment's own scripts see what is missing. D3 A1, A3, C1."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.foreign_keys import PIPELINE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixtures.canary.crm_mending import Looked, Mended
    from fixtures.canary.crm_schema import Repeated

SHOWN = 5
# what is missing -> names in the schema
MISSING = {
    "column": ("Conversation.deletedAt", "Notification.snoozedUntil"),
    "index": ("Conversation_deletedAt_idx", "Notification_snoozedUntil_idx"),
    "foreign key": tuple(key.name for key in PIPELINE),
}
# a whole command: Prisma's, or the statement for the thing itself
PRISMA = r"prisma (?:migrate deploy|db execute)"


def changed(what: str, wanted: frozenset[str], found: frozenset[str]) -> list[Finding]:
    """One finding for each line that is gone or new."""
    gone = [Finding(line, "gone", what) for line in sorted(wanted - found)[:SHOWN]]
    return gone + [Finding("nothing new", line, what) for line in sorted(found - wanted)[:SHOWN]]


@criterion(
    "DRF-03",
    "the drift migration can run again, where all or half of it is there: it succeeds, and changes nothing",
    severity="major",
    effect="disrupt",
    sources=["D3 A1"],
    remedy="Write it with ADD COLUMN IF NOT EXISTS and CREATE INDEX IF NOT EXISTS, drop nothing, update nothing.",
    writes=["databases of its own, migrated from nothing and dropped"],
)
@pytest.mark.parametrize("state", ["all of it", "half of it"])
def test_drift_migration_is_repeatable(state: str, migrated_again: Mapping[str, Repeated], evidence: Evidence) -> None:
    again = migrated_again[state]
    evidence.examine(again.wanted, "columns, indexes and constraints")
    evidence.examine(again.rows_wanted, "rows")
    evidence.record(state, ended=again.ended, recorded=again.recorded)
    where = f"drift migration, where {state} is there"
    findings = []
    if again.ran.exit_code != 0 or not again.recorded:
        findings.append(Finding("applied again, exit code 0", again.ended, where))
    findings += changed(f"{where}: schema", again.wanted, again.found)
    findings += changed(f"{where}: rows", again.rows_wanted, again.rows_found)
    evidence.judge(findings)


@criterion(
    "DRF-08",
    "the deployment's verification scripts say PASSED and exit 0 on the right schema, and exit non-zero with the exact "
    "repair command when a column, its index or a foreign key is missing; the command, run as printed, mends it",
    severity="major",
    effect="disrupt",
    sources=["D3 A3", "D3 C1", "D3 Pre-Deployment 3"],
    remedy="scripts/db/verify-schema.ts and verify-fks.ts must look into pg_catalog, end with process.exit(1) for what "
    "is missing, and print the whole command that repairs it, quoted for a shell.",
    writes=["databases of its own, migrated from nothing, damaged and dropped"],
)
@pytest.mark.parametrize("missing", ["nothing", *MISSING])
def test_verification_scripts(missing: str, verified_schema: Mapping[str, Looked], evidence: Evidence) -> None:
    looked = verified_schema[missing if missing in MISSING else ""]
    ran = looked.ran
    evidence.examine(ran, "runs of scripts")
    for script in ran:
        evidence.record(script.script, exit_code=script.exit_code, says="PASSED" if script.passed else "no PASSED")
    where = f"{', '.join(script.script for script in ran)}, {missing} missing"
    if missing not in MISSING:
        evidence.judge(
            Finding("PASSED, exit code 0", f"exit code {each.exit_code}: {each.output.strip()[-300:]}", each.script)
            for each in ran
            if each.exit_code != 0 or not each.passed
        )
        return
    names = MISSING[missing]
    refused = [each for each in ran if each.refused]
    if looked.mended is None:
        codes = ", ".join(f"exit code {each.exit_code}" for each in ran)
        evidence.judge([Finding(f"a script that exits non-zero for {', '.join(names)}", codes, where)])
        return
    output = "\n".join(each.output for each in refused)
    findings = []
    if any(each.passed for each in refused):
        findings.append(Finding("FAILED", "PASSED, and an exit code that is not 0", where))
    for name in names:
        if name not in output:
            findings.append(Finding(f"{name} named", output.strip()[-300:], where))
        bare = name.rpartition(".")[2]
        if not re.search(rf'{PRISMA}|(?:ALTER TABLE|CREATE INDEX)[^\n]*"{bare}"', output):
            findings.append(Finding(f"the command that repairs {name}", output.strip()[-300:], where))
    evidence.record("mending", commands=list(looked.mended.commands), failed=list(looked.mended.failed))
    evidence.judge(findings + unmended(looked.mended, f"{missing} missing, after the printed commands"))


def unmended(mended: Mended, where: str) -> list[Finding]:
    """What the printed commands did not mend, or did besides."""
    findings = [Finding("a command that runs as it is printed", failed, where) for failed in mended.failed]
    findings += [
        Finding(
            "PASSED, exit code 0",
            f"exit code {each.exit_code}: {each.output.strip()[-300:]}",
            f"{each.script}, {where}",
        )
        for each in mended.after
        if each.exit_code != 0 or not each.passed
    ]
    return findings + changed(where, mended.wanted, mended.found)
