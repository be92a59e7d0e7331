"""What the logs tell of schedulers: D0a section 4, contract section 4."""

from datetime import timedelta
from itertools import pairwise

from acceptance.prosaas.reading import lines
from fixtures.criterion import Evidence, Finding, Unmeasured, criterion
from fixtures.facts.containers import Service, ServiceFacts
from fixtures.facts.deployment import Expected
from fixtures.facts.logs import Logs, Match

CLEANUP = "cleanup.completed"
JITTER = 0.1  # of the period: how much earlier or later than due a cleanup may end
ELECTION = timedelta(seconds=5)  # after a start, until a leader is elected and has done the work


def cleanup_period(scheduler: Service) -> timedelta:
    """RECORDING_CLEANUP_INTERVAL_SECONDS of the scheduler service; 6 hours when unset."""
    return timedelta(seconds=float(scheduler.variable("RECORDING_CLEANUP_INTERVAL_SECONDS").value or 21600))


@criterion(
    "BGS-03",
    "the scheduler service says that schedulers are ENABLED, every other application service that they are DISABLED",
    severity="minor",
    effect="observe",
    sources=["D0a §4"],
    remedy="Read the service's log from its start: without the line it does not check ENABLE_SCHEDULERS at all.",
)
def test_each_service_tells_its_gate(
    services: ServiceFacts, inventory: Expected, logs: Logs, evidence: Evidence
) -> None:
    findings = []
    for service in evidence.examine(services.application, "application services"):
        enabled = service.name == inventory.schedulers_by
        wanted, other = ("ENABLED", "DISABLED") if enabled else ("DISABLED", "ENABLED")
        said = logs.matches(f"gate.{wanted.lower()}", service.name, since="start")
        contrary = logs.matches(f"gate.{other.lower()}", service.name, since="start")
        evidence.record(service.name, said=said.count, contrary=contrary.count, lines=said.lines)
        if not said:
            findings.append(Finding(f"Schedulers {wanted}", "says no such thing", service.name, service.since))
        findings += lines(contrary.first[:1], f"Schedulers {wanted}")
    evidence.judge(findings)


@criterion(
    "BGS-04",
    "no scheduled work is done twice: no two cleanups closer than the period, unless the scheduler service started "
    "in between, and never two from different services or processes",
    severity="critical",
    effect="observe",
    sources=["D0a §4", "D0a Monitor Logs", "D0a Acceptance Criteria"],
    remedy="Set ENABLE_SCHEDULERS=true on one service only, run it once, and have its processes share a leader lock.",
)
def test_no_cleanup_is_done_twice(services: ServiceFacts, inventory: Expected, logs: Logs, evidence: Evidence) -> None:
    names = [s.name for s in evidence.examine(services.application, "application services") if s.containers]
    period = cleanup_period(services[inventory.schedulers_by])
    cleanups = sorted(logs.matches(CLEANUP, names).all_kept, key=lambda match: match.at)
    starts = logs.matches("scheduler.recording_cleanup", names).first
    evidence.record("cleanups", count=len(cleanups), period_s=period.total_seconds(), read_h=logs.read_h(names))

    def started_between(one: Match, other: Match) -> bool:
        times = [start.at for start in starts if start.container == one.container]
        times += [log.started_at for log in logs[one.service] if log.container == one.container and log.started_at]
        return one.container == other.container and any(one.at < at < other.at for at in times)

    findings = []
    for one, other in pairwise(cleanups):
        if one.service != other.service:
            findings += lines([other], f"cleanups by one service only, the one before was by {one.service}")
        elif other.at - one.at < period * (1 - JITTER) and not started_between(one, other):
            before = f"the one before was {(other.at - one.at).total_seconds():.1f} s ago in {one.container}"
            findings += lines([other], f"one cleanup in {period.total_seconds():g} s, {before}")
    evidence.judge(findings)


@criterion(
    "BGS-09",
    "the cleanup is alive: when the scheduler service has been up for longer than its period, the log holds one "
    "'cleanup completed' in every period",
    severity="minor",
    effect="observe",
    sources=["D0a Monitor Logs"],
    remedy="Restart the scheduler service and read its log: a scheduler's thread that died leaves a stack trace.",
)
def test_the_cleanup_is_alive(services: ServiceFacts, inventory: Expected, logs: Logs, evidence: Evidence) -> None:
    scheduler = services[inventory.schedulers_by]
    period = cleanup_period(scheduler)
    longest = period * (1 + JITTER) + ELECTION
    read = evidence.examine(logs[scheduler.name], "logs of the scheduler service")
    since = max(logs.floor, *(at for log in read for at in (log.started_at, log.first) if at is not None))
    if services.read_at - since <= longest:
        raise Unmeasured(
            f"{scheduler.name}: its log of the window covers less than one period of {period.total_seconds():g} s",
            "judge again when the service has been up for longer, with a --log-window that is longer than the period",
        )
    times = [match.at for match in logs.matches(CLEANUP, scheduler.name).all_kept if match.at >= since]
    evidence.record(scheduler.name, cleanups=len(times), period_s=period.total_seconds(), since=since.isoformat())
    evidence.judge(
        Finding(
            f"one cleanup completed in every {period.total_seconds():g} s",
            f"none for {(after - before).total_seconds():.0f} s",
            scheduler.name,
            before.isoformat(timespec="seconds"),
        )
        for before, after in pairwise([since, *sorted(times), services.read_at])
        if after - before > longest
    )
