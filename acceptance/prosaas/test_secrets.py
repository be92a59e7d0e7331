"""What may never stand in a log: D1 Security Verification, contract section 9."""

import pytest

from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.containers import ServiceFacts
from fixtures.facts.logs import Logs

FORBIDDEN = {
    "secret.database_url": "PostgreSQL URL",
    "secret.url_password": "URL with a password",
    "secret.recordings_path": "path of the recordings folder",
    "secret.password_hash": "password hash",
    "secret.password": "password",
    "secret.bearer_token": "bearer token",
    "secret.jwt": "JSON web token",
    "secret.session_cookie": "session cookie",
}
SHOWN = 3


@criterion(
    "SEC-01",
    "no log holds a database URL, a URL with a password, a recordings path, a password or its hash, or a token",
    severity="critical",
    effect="observe",
    sources=["D1 Security Verification", "contract §9"],
    remedy="Change the code that writes the line to leave the value out, rotate the secret that was shown, "
    "and remove the log that holds it.",
)
@pytest.mark.parametrize("kind", FORBIDDEN)
def test_no_log_shows_a_secret(kind: str, services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    findings = []
    running = [service for service in services if service.containers]
    for service in evidence.examine(running, "services with a log"):
        found = logs.matches(kind, service.name)
        evidence.record(service.name, lines=found.lines, matches=found.count)
        findings += [
            Finding(f"no {FORBIDDEN[kind]}", f"line {match.line}: {match.text}", service.name, match.at.isoformat())
            for match in found.first[:SHOWN]
        ]
        if found.count > SHOWN:
            findings.append(Finding(f"no {FORBIDDEN[kind]}", f"{found.count - SHOWN} further lines", service.name))
    evidence.judge(findings)
