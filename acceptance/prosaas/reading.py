"""How criteria put matching lines and unwell services into words, and which service's lines they look at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fixtures.criterion import CheckError, Finding
from fixtures.facts.containers import Service, ServiceFacts
from fixtures.facts.logs import Match, Matches

SHOWN = 5
_CALL = re.compile(r"\bcall_?[sS]id[\"']?\s*[=:]\s*[\"']?([\w-]+)")


def with_a_log(services: ServiceFacts) -> list[Service]:
    """Every service that has a container, and so a log."""
    return [service for service in services if service.containers]


def unwanted(found: Matches, expected: str) -> list[Finding]:
    """One finding for each of the first lines, and one for how many more there are."""
    findings = lines(found.first[:SHOWN], expected)
    if found.count > SHOWN:
        findings.append(Finding(expected, f"{found.count - SHOWN} further lines", found.first[0].service))
    return findings


def lines(matches: Iterable[Match], expected: str) -> list[Finding]:
    """One finding for each line."""
    return [Finding(expected, f"line {m.line}: {m.text}", m.service, m.at.isoformat()) for m in matches]


def by_container(matches: Sequence[Match]) -> dict[str, list[Match]]:
    """The lines of each container, in the order in which they stand in its log."""
    found: dict[str, list[Match]] = {}
    for match in sorted(matches, key=lambda m: (m.container, m.line)):
        found.setdefault(match.container, []).append(match)
    return found


def call_of(match: Match) -> str:
    """The call that a line is about; "" where it names none."""
    found = _CALL.search(match.text)
    return found[1] if found else ""


def unwell(service: Service) -> list[Finding]:
    """What its healthcheck says against a running service; absent, unknown, starting and unhealthy told apart."""
    findings = []
    if service.resolved is not None and service.resolved.healthcheck is None:
        findings.append(Finding("a healthcheck", "none in the compose configuration: unknown", service.name))
    if service.health == "unknown":
        findings.append(
            Finding("healthy by its healthcheck", "unknown: its container has none", service.name, service.since)
        )
    elif service.health == "starting":
        if not service.start_period_over:
            raise CheckError(
                f"{service.name} is starting, {service.up_s:.0f} s after its start and within its start period:"
                " judge again when it is over"
            )
        findings.append(
            Finding("healthy", f"starting, {service.up_s:.0f} s after its start", service.name, service.since)
        )
    elif service.health != "healthy":
        findings.append(Finding("healthy", service.health, service.name, service.since))
    return findings
