"""What an application service needs is there under its name: D2 Troubleshooting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fixtures.criterion import Evidence, Finding, criterion

if TYPE_CHECKING:
    from fixtures.canary.reaching import Reached


@criterion(
    "DNS-03",
    "from inside each application service its database, its Redis and its peers resolve and accept a connection",
    severity="major",
    effect="canary",
    sources=["D2 Troubleshooting"],
    remedy="Does not resolve: set dns, dns_search and dns_opt as documented, and compare the name with those of the "
    "compose services. No connection: see that the service runs, listens on that port and is on the same network.",
    writes=["1 connection each to database, Redis and peers, closed at once"],
)
def test_everything_is_within_reach(reached: Mapping[str, Sequence[Reached]], evidence: Evidence) -> None:
    findings = []
    for service, tried in evidence.examine(list(reached.items()), "application services"):
        for one in evidence.examine(tried, f"things that {service} needs"):
            evidence.record(service, needs=one.name, address=one.address, failed=one.failed)
            if one.failed:
                findings.append(Finding(f"{one.name} at {one.address} accepts a connection", one.failed, service))
    evidence.judge(findings)
