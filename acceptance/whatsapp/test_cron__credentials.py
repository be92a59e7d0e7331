"""Who else may trigger the outbound jobs: Vercel's header, the runner's token, development defaults. D3 B1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from acceptance.whatsapp.refusal import CARRIERS, WRONG, let_in
from fixtures.criterion import Evidence, NotApplicable, criterion

if TYPE_CHECKING:
    from fixtures.canary.cron import Cron
    from fixtures.facts.deployment import Expected

# name and value; the underscores are how a header slips past an edge that takes the other one away
HEADERS = (
    *(("x-vercel-cron", value) for value in ("0", "false", "", "true", "yes", "01", "1, 1", "1")),
    ("x_vercel_cron", "1"),
)
OTHERS = {
    "runner": ("CRON_SECRET", "WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN"),
    "cron": ("JOB_RUNNER_TOKEN", "WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN"),
}
DEFAULTS = (
    "dev-secret-change-in-production",
    "dev-token-change-in-production",
    "change-me-in-production",
)


@criterion(
    "CRN-03",
    'x-vercel-cron "0", "false", "", "true" and others: 401; "1" too, where the host does not trust it',
    severity="critical",
    effect="probe",
    sources=["D3 B1"],
    remedy='Compare x-vercel-cron with exactly "1", and only where the edge takes it away from whoever else sends it; '
    "elsewhere rely on Authorization: Bearer.",
    requests=[f"{len(HEADERS)} requests to the cron route that must be refused"],
)
@pytest.mark.parametrize(("name", "value"), HEADERS)
def test_forged_header_is_refused(name: str, value: str, cron: Cron, inventory: Expected, evidence: Evidence) -> None:
    if (name, value) == ("x-vercel-cron", "1") and inventory.trust_vercel_header:
        raise NotApplicable("the edge vouches for x-vercel-cron here (inventory: trust_vercel_header): CRN-02 uses it")
    before = cron.job_states()
    answer = cron.with_header(name, value)
    evidence.examine([answer], "answers")
    evidence.judge(let_in(cron, before, answer, evidence))


@criterion(
    "CRN-04",
    "the job runner refuses all but its own token, and neither it nor the cron takes another secret of the deployment",
    severity="critical",
    effect="probe",
    sources=["D3 Required Environment Variables"],
    remedy="Compare with JOB_RUNNER_TOKEN alone, whole and in constant time; give CRON_SECRET and JOB_RUNNER_TOKEN "
    "values of their own.",
    requests=["22 requests to the job runner and 6 to the cron route that must be refused"],
)
@pytest.mark.parametrize(
    ("door", "form"),
    [
        *(("runner", form) for form in WRONG),
        *((door, f"{name}, as {carrier}") for door, names in OTHERS.items() for name in names for carrier in CARRIERS),
    ],
)
def test_runner_takes_its_own_token_only(door: str, form: str, doors: Mapping[str, Cron], evidence: Evidence) -> None:
    asked = doors[door]
    before = asked.job_states()
    name, _, carrier = form.partition(", as ")
    answer = asked.with_secret_of(name, carrier) if name in OTHERS[door] else asked.with_wrong(form)
    evidence.examine([answer], "answers")
    evidence.judge(let_in(asked, before, answer, evidence))


@criterion(
    "CRN-05",
    "the default secrets of the code base open neither the cron nor the job runner",
    severity="critical",
    effect="probe",
    sources=["contract §6"],
    remedy="Set CRON_SECRET and JOB_RUNNER_TOKEN to long random values, and let the process refuse to start on a "
    "default.",
    requests=["6 requests to the cron route and 6 to the job runner that must be refused"],
)
@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("default", DEFAULTS)
@pytest.mark.parametrize("door", ["cron", "runner"])
def test_development_default_is_refused(
    door: str, default: str, carrier: str, doors: Mapping[str, Cron], evidence: Evidence
) -> None:
    asked = doors[door]
    before = asked.job_states()
    answer = asked.with_default(default, carrier)
    evidence.examine([answer], "answers")
    evidence.judge(let_in(asked, before, answer, evidence))
