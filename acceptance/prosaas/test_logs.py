"""What production writes into its logs, how much of it, and at which level: D2, D0a, contract section 9."""

import pytest

from acceptance.prosaas.reading import lines, unwanted, with_a_log
from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.containers import ServiceFacts
from fixtures.facts.lines import ORDER
from fixtures.facts.logs import Logs

LEVELS = ("DEBUG", "INFO", "WARNING")  # those that a higher LOG_LEVEL can forbid


@criterion(
    "LOG-01",
    "LOG_LEVEL is INFO in every application service, and the log obeys it",
    severity="major",
    effect="observe",
    sources=["D2 Log Levels"],
    remedy="Set LOG_LEVEL: INFO in docker-compose.prod.yml, then ./scripts/dcprod.sh up -d; where it is set and lines "
    "below it are written, the service does not configure its logging by it.",
)
def test_log_level_is_info_and_obeyed(services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    findings = []
    for service in evidence.examine(services.application, "application services"):
        level = service.variable("LOG_LEVEL")
        findings += level.findings("INFO")
        allowed = (level.value or "INFO").strip().upper()
        below = [name for name in LEVELS if allowed in ORDER and ORDER.index(name) < ORDER.index(allowed)]
        for name in below:
            found = logs.matches(f"entry.{name.lower()}", service.name)
            evidence.record(service.name, log_level=allowed, below=name, entries=found.count, lines=found.lines)
            findings += lines(found.first[:1], f"no {name} line while LOG_LEVEL is {allowed}, found {found.count}")
    evidence.judge(findings)


@criterion(
    "LOG-04",
    "no success and no harmless close is told as an ERROR",
    severity="minor",
    effect="observe",
    sources=["D2 Fake ERROR Messages"],
    remedy="./scripts/dcprod.sh up -d --build --force-recreate: the lines are DEBUG since the fix in media_ws_ai.py.",
)
@pytest.mark.parametrize("text", ["fake.transcription", "fake.websocket_close"])
def test_no_fake_errors(text: str, services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    findings = []
    for service in evidence.examine(with_a_log(services), "services with a log"):
        found = logs.matches(text, service.name)
        evidence.record(service.name, lines=found.lines, matches=found.count)
        findings += unwanted(found, "not told as an error")
    evidence.judge(findings)


@criterion(
    "LOG-05",
    "the worker's log is free of a missing rq package and of logger calls with an unexpected argument",
    severity="major",
    effect="observe",
    sources=["D0a Verify Deployment"],
    remedy="./scripts/dcprod.sh build --no-cache worker, then up -d worker.",
)
@pytest.mark.parametrize("text", ["worker.no_rq", "worker.logger_argument"])
def test_worker_log_is_clean(text: str, services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    evidence.examine(logs["worker"], "logs of the worker")
    found = logs.matches(text, "worker")
    evidence.record("worker", lines=found.lines, matches=found.count)
    evidence.judge(unwanted(found, "a clean worker log"))


@criterion(
    "LOG-06",
    "the log of nginx is free of 502 and of missing upstreams",
    severity="major",
    effect="observe",
    sources=["D0a Verify Deployment"],
    remedy="Start the service that nginx does not reach, and compare its name with the upstreams of the configuration.",
)
@pytest.mark.parametrize("text", ["edge.bad_gateway", "edge.missing_upstream"])
def test_edge_log_is_clean(text: str, logs: Logs, evidence: Evidence) -> None:
    evidence.examine(logs["nginx"], "logs of nginx")
    found = logs.matches(text, "nginx")
    evidence.record("nginx", lines=found.lines, matches=found.count)
    evidence.judge(unwanted(found, "every request reaches its upstream"))


BEFORE_LOGGING = 5  # entries that a process may write before its logging is set up


@criterion(
    "LOG-09",
    "every application service, nginx and redis wrote a log since its start; application lines carry time and level",
    severity="minor",
    effect="observe",
    sources=["D2 Production (Default)"],
    remedy="Let the service log to stdout, unbuffered and with time and level; use the driver json-file or local.",
)
def test_every_service_writes_a_log(services: ServiceFacts, logs: Logs, evidence: Evidence) -> None:
    application = [service.name for service in services.application]
    findings = []
    for name in evidence.examine([*application, "nginx", "redis"], "services"):
        written = logs.by_service.get(name, ())
        if isinstance(written, Exception):
            raise written
        for log in written:
            evidence.record(name, lines=log.started_lines, of=log.lines)
            if not log.started_lines:
                findings.append(Finding("a log since the start", "empty", name, services[name].since))
        if not written:
            findings.append(Finding("a log", "no container", name))
        elif name in application and any(log.lines for log in written):
            bare = logs.matches("entry.unlabelled", name)
            if bare.count > BEFORE_LOGGING:
                findings += lines(bare.first[-1:], f"entries with time and level, found {bare.count} without")
    evidence.judge(findings)
