"""The deployment's own scripts: that they pass, that they can fail, that the wrapper refuses. D0a, D0b, D2."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

from fixtures.criterion import Evidence, Finding, Unmeasured, criterion
from fixtures.facts.deployment import Expected

if TYPE_CHECKING:
    from fixtures.canary.scripts import Said, Scripts

TABLE, COLUMN = "receipt_sync_runs", "from_date"
OTHERS = ("to_date", "months_back", "run_to_completion", "max_seconds_per_run", "skipped_count")
# what is wrong meanwhile, and the words by which a script must name it
DEFECTS = {
    "backend up": ("backend",),
    "worker stopped": ("worker",),
    f"{TABLE}.{COLUMN} gone": (COLUMN,),
    f"all but {TABLE}.{COLUMN} gone": OTHERS,
}
COMMAND = re.compile(r"[\w./-]*\.sh\s+\S|\bdocker(-| )compose\s+\S|\bpython\S*\s+-[mc]\s+\S|\bALTER\s+TABLE\b")
PROGRESS = re.compile(r"^\s*(Container|Network|Volume)\s")  # compose's own lines
WRAPPED = {"up -d backend": "up -d backend", "up -d with backend running": "up -d"}


def named_scripts(inventory: Expected) -> tuple[str, ...]:
    """The verification scripts that the inventory names."""
    if not inventory.verification_scripts:
        raise Unmeasured("no script is named", "name them in the inventory under verification_scripts")
    return inventory.verification_scripts


def ended(said: Said) -> str:
    """The exit code, and what was said last."""
    return f"exit code {said.exit_code}: {said.lines[-1].strip() if said.lines else 'not a word'}"


@criterion(
    "TOP-09",
    "the deployment's own verification scripts, where the inventory names them, exit 0",
    severity="minor",
    effect="canary",
    sources=["D0a Acceptance Criteria", "D2 Validate Deployment"],
    remedy="Run the script by hand on the server and do what it says of each defect.",
    writes=["runs the scripts that the inventory names, which read"],
)
def test_verification_scripts_pass(scripts: Scripts, inventory: Expected, evidence: Evidence) -> None:
    findings = []
    for script in named_scripts(inventory):
        said = scripts.healthy(script)
        # one that ends well and says nothing may have looked at nothing
        evidence.examine(said.lines if said.exit_code == 0 else [said], f"lines that {script} wrote")
        evidence.record(script, exit_code=said.exit_code, lines=len(said.lines))
        if said.exit_code != 0:
            findings.append(Finding("exit code 0", ended(said), script))
    evidence.judge(findings)


def provoked(defect: str, scripts: Scripts) -> AbstractContextManager[None]:
    """The deployment with something wrong in it."""
    if defect == "backend up":
        return scripts.started("backend")
    return scripts.stopped("worker") if defect == "worker stopped" else scripts.without_columns(TABLE, DEFECTS[defect])


@criterion(
    "TOP-13",
    "the deployment's own verification scripts can fail: with backend up, the worker stopped or columns of migration "
    "89 gone, one exits non-zero, names the defect and prints the command that repairs it",
    severity="major",
    effect="disrupt",
    sources=["D0a §1", "D0a Verify Deployment", "D0b §2", "D2 Validate Deployment"],
    remedy="In scripts/verify_production.sh test for this defect, print what is wrong and the command that repairs it, "
    "and exit 1.",
)
@pytest.mark.parametrize("defect", DEFECTS)
def test_verification_scripts_can_fail(defect: str, scripts: Scripts, inventory: Expected, evidence: Evidence) -> None:
    named = evidence.examine(named_scripts(inventory), "scripts")
    before = {script: scripts.healthy(script) for script in named}
    with provoked(defect, scripts):
        now = {script: scripts.run(script) for script in named}
    shortcomings: list[list[Finding]] = []
    for script, said in now.items():
        new = [line for line in said.lines if line not in before[script].lines]
        evidence.record(f"{script}: {defect}", exit_code=said.exit_code, new_lines=new[:6])
        where = f"{script} with {defect}"
        missing = []
        if said.exit_code == 0:
            missing.append(Finding("an exit code other than 0", ended(said), where))
        for word in DEFECTS[defect]:
            if not any(word in line for line in new):
                missing.append(Finding(f"a line about {word}", f"{len(new)} new lines, none of it", where))
        if not any(COMMAND.search(line) for line in new):
            missing.append(Finding("the command that repairs it", f"{len(new)} new lines, none with one", where))
        shortcomings.append(missing)
    fewest: list[Finding] = min(shortcomings, key=len)  # one script that notices is enough
    evidence.judge(fewest)


@criterion(
    "TOP-14",
    "the deployment's wrapper refuses backend: `up -d backend`, and `up -d` that leaves backend running, exit non-zero "
    "with one clear message",
    severity="major",
    effect="disrupt",
    sources=["D0a §2", "D0a Acceptance Criteria", "D0a Testing Checklist 4"],
    remedy="In scripts/dcprod.sh refuse backend by name before docker compose is called, and after `up` ask what runs: "
    "one line that names backend, and exit 1.",
)
@pytest.mark.parametrize("asked", WRAPPED)
def test_wrapper_refuses_backend(asked: str, scripts: Scripts, inventory: Expected, evidence: Evidence) -> None:
    if not inventory.wrapper_script:
        raise Unmeasured("no wrapper is named", "name it in the inventory under wrapper_script")
    already = asked != WRAPPED[asked]
    with scripts.started("backend") if already else scripts.removed("backend"):
        said = scripts.run(inventory.wrapper_script, *WRAPPED[asked].split())
        runs = scripts.running("backend")
    evidence.examine([said], "refusals")
    about = [line for line in said.lines if "backend" in line and not PROGRESS.match(line)]
    evidence.record(asked, exit_code=said.exit_code, said=about[:3], backend_runs=runs)
    where = f"{inventory.wrapper_script} {asked}"
    findings = []
    if said.exit_code == 0:
        findings.append(Finding("an exit code other than 0", ended(said), where))
    if len(about) != 1:
        findings.append(Finding("one line that names backend", f"{len(about) or 'none'}", where))
    if runs and not already:
        findings.append(Finding("backend is not started", "backend is running", where))
    evidence.judge(findings)
