"""The one record that every writer renders: what a run was, and what each case of each criterion came out as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

OUTCOMES = ("passed", "failed", "error", "waived", "unmeasured", "not_run", "not_applicable", "invalid")
EFFECTS = ("observe", "probe", "canary", "disrupt")  # the least first
# the exit codes, the strongest first, and their names (design, section 4)
EXITS = {
    2: "interrupted",
    3: "internal",
    4: "usage",
    7: "residue",
    1: "failed",
    6: "undecided",
    5: "nothing_selected",
    0: "accepted",
}
# outcomes that a JUnit reader is shown as skipped, with the reason
SKIPPED = frozenset({"waived", "unmeasured", "not_run", "not_applicable"})


@dataclass(frozen=True, slots=True)
class Result:
    """One (host, criterion, case). Durations in seconds; `evidence`: JSON values; `findings`: the deciding ones.

    `started`: ISO 8601, UTC; empty where it was not judged. `proven_by`: faults that were made to turn it red.
    `read`: what it looked at: rows of queries, log lines, HTTP exchanges (by their key "read").
    """

    host: str
    id: str
    case: str
    title: str
    system: str
    area: str
    severity: str
    effect: str
    outcome: str
    message: str = ""
    remedy: str = ""
    sources: tuple[str, ...] = ()
    duration_s: float = 0.0
    examined: int = 0
    findings: tuple[Mapping[str, str], ...] = ()
    evidence: tuple[Mapping[str, Any], ...] = ()
    started: str = ""
    proven_by: tuple[str, ...] = ()
    read: tuple[Mapping[str, Any], ...] = ()

    @property
    def name(self) -> str:
        """Criterion id and case, as a person writes them."""
        return f"{self.id}[{self.case}]" if self.case else self.id

    def as_dict(self) -> dict[str, Any]:
        """Plain values, in the order of the fields."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What was judged, how far the run could go, and why it ended with its exit code. Times: ISO 8601, UTC.

    `judged_by`: who ran it, and where; `commit`: of the checkout that judged. `purpose`: acceptance, "proof", or
    "fault NAME", which say nothing of the host.
    `provisioned`: whether the run made the deployment itself. `waivers`: those for this host, dates as ISO 8601.
    `partial`: whether no part judged some criteria that one could have, and that was meant. `catalogue`: digest of the
    criteria. `proof`: what kept proofs show of them, see proofs.kept. `queries`: the text of each named query that a
    result has read. `parts`: the runs that it was merged from, if it was, with the causes that only the merging knew
    as `besides`.
    """

    run_id: str
    host: str
    kind: str
    target: str
    started: str
    ended: str
    ceiling: str
    log_window_s: float
    exit_code: int
    exit_name: str
    causes: tuple[str, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    fingerprint: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    judged_by: str = ""
    commit: str = ""
    purpose: str = "acceptance"
    catalogue: str = ""
    proof: Mapping[str, Any] = field(default_factory=dict)
    provisioned: bool = False
    partial: bool = False
    waivers: tuple[Mapping[str, str], ...] = ()
    parts: tuple[Mapping[str, Any], ...] = ()
    queries: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, in the order of the fields."""
        return asdict(self)


def counts(results: Sequence[Result]) -> dict[str, int]:
    """How many results have each outcome, in the order of OUTCOMES, zeros left out."""
    counted = Counter(result.outcome for result in results)
    return {outcome: counted[outcome] for outcome in OUTCOMES if counted[outcome]}
