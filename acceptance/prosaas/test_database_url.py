"""One database and one Redis for all application services: D0a section 3, contract sections 1 and 8."""

from collections import Counter
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote, urlsplit

from fixtures.criterion import Evidence, Finding, criterion
from fixtures.facts.containers import Service, ServiceFacts

POSTGRES = ("postgresql", "postgres")
REDIS = ("redis", "rediss")


class NotUsable(ValueError):
    """Why a value is no address: in words, never the value itself."""


def database_of(value: str | None) -> str:
    """`host:port/database` of a PostgreSQL URL. Raises NotUsable."""
    scheme, rest = _scheme(value)
    # SQLAlchemy's form names a driver besides: postgresql+psycopg
    if scheme.partition("+")[0] not in POSTGRES:
        raise NotUsable(f"scheme {scheme or 'missing'}: not a PostgreSQL URL")
    parts = urlsplit(f"//{rest}")
    database = unquote(parts.path.lstrip("/"))
    if "@" not in parts.netloc or not parts.hostname or not database:
        raise NotUsable("no user, no host or no database in it")
    return f"{parts.hostname}:{_port(parts.netloc, 5432)}/{database}"


def redis_of(value: str | None) -> str:
    """`host:port database N` of a Redis URL. Raises NotUsable."""
    scheme, rest = _scheme(value)
    parts = urlsplit(f"//{rest}")
    if scheme == "unix":
        return f"{parts.path} database {parse_qs(parts.query).get('db', ['0'])[0]}"
    if scheme not in REDIS or not parts.hostname:
        raise NotUsable(f"scheme {scheme or 'missing'}: not a Redis URL, or no host in it")
    number = parse_qs(parts.query).get("db", [parts.path.strip("/") or "0"])[0]
    return f"{parts.hostname}:{_port(parts.netloc, 6379)} database {number}"


def _scheme(value: str | None) -> tuple[str, str]:
    if value is None:
        raise NotUsable("not set")
    if not value.strip():
        raise NotUsable("empty")
    scheme, separator, rest = value.strip().partition("://")
    # what has no scheme may be a secret itself, and is not shown
    return (scheme.lower(), rest) if separator else ("", "")


def _port(netloc: str, default: int) -> int:
    port = netloc.rpartition("@")[2].rpartition(":")[2]
    return int(port) if port.isdigit() else default


def values_of(service: Service, name: str) -> Mapping[str, str | None]:
    """The variable's value in each container, and in the configuration: by where it stands."""
    found: dict[str, str | None] = {f"container {c.name}": c.environment.get(name) for c in service.containers}
    found["the compose configuration"] = service.resolved.environment.get(name) if service.resolved else None
    return found


def addresses(name: str, services: ServiceFacts, evidence: Evidence) -> list[Finding]:
    """What speaks against one address for all: values that are none, and those that differ from most others."""
    parse = database_of if name == "DATABASE_URL" else redis_of
    findings, read = [], []
    for service in evidence.examine(services.application, "application services"):
        for place, value in values_of(service, name).items():
            where = f"{service.name}: {name} in {place}"
            try:
                read.append((where, parse(value), service.since))
            except NotUsable as why:
                findings.append(Finding("a usable URL", str(why), where, service.since))
    counted = Counter(address for _, address, _ in read)
    evidence.record(name, addresses=dict(counted))
    if not counted:
        return findings
    usual = counted.most_common(1)[0][0]
    return findings + [
        Finding(f"{usual}, as most say", address, where, since) for where, address, since in read if address != usual
    ]


@criterion(
    "DBU-01",
    "every application service has a PostgreSQL DATABASE_URL, all for the same host, port and database",
    severity="critical",
    effect="observe",
    sources=["D0a §3"],
    remedy="Give every application service the same DATABASE_URL (postgresql://USER:PASSWORD@HOST:PORT/DATABASE) from "
    "one place in the compose files; then ./scripts/dcprod.sh up -d.",
)
def test_one_database_for_all(services: ServiceFacts, evidence: Evidence) -> None:
    evidence.judge(addresses("DATABASE_URL", services, evidence))


@criterion(
    "DBU-08",
    "every application service has a REDIS_URL, all for the same Redis and database number",
    severity="major",
    effect="observe",
    sources=["D0a Environment Variables Summary", "contract §1"],
    remedy="Give every application service the same REDIS_URL (redis://HOST:PORT/NUMBER) from one place in the compose "
    "files; then ./scripts/dcprod.sh up -d.",
)
def test_one_redis_for_all(services: ServiceFacts, evidence: Evidence) -> None:
    evidence.judge(addresses("REDIS_URL", services, evidence))
