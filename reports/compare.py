"""`python -m reports compare A B`: what two snapshots differ in, thing by thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports import snapshot
from reports.view import visible

NOT_READ = "not read"
WIDEST = 60  # characters of a cell


@dataclass(frozen=True, slots=True)
class Difference:
    """`part`: services, images, variables, ...; `thing`: what differs; `before`, `after`: "" where it is not there."""

    system: str
    part: str
    thing: str
    before: str
    after: str


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """From the snapshots' own summaries (`compared`). A part that only one of them could read is one difference."""
    for system in _names(before["compared"], after["compared"]):
        old, new = before["compared"].get(system, {}), after["compared"].get(system, {})
        for part in _names(old, new):
            left, right = old.get(part, {NOT_READ: "no such part"}), new.get(part, {NOT_READ: "no such part"})
            if NOT_READ in left or NOT_READ in right:
                if (NOT_READ in left) != (NOT_READ in right):
                    told = [side.get(NOT_READ, f"{len(side)} things") for side in (left, right)]
                    yield Difference(system, part, NOT_READ, *told)
                continue
            for thing in _names(left, right):
                if left.get(thing) != right.get(thing):
                    yield Difference(system, part, thing, left.get(thing, ""), right.get(thing, ""))


def _names(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    """All names, in the order of the first and then of the second."""
    return list(dict.fromkeys((*left, *right)))


def unread(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The parts that neither of them could read, each with the reason of the second."""
    return [
        f"{system} {part}: {things[NOT_READ]}"
        for system, parts in after["compared"].items()
        for part, things in parts.items()
        if NOT_READ in things and NOT_READ in before["compared"].get(system, {}).get(part, {NOT_READ: ""})
    ]


def show(first: Path, second: Path) -> tuple[int, str]:
    """What is to be printed, and the exit code: 0 the same, 1 not, 5 where neither has anything to be compared.

    Raises ValueError for a file that is no snapshot.
    """
    documents = [snapshot.read(path) for path in (first, second)]
    lines = [f"{name}: {_of(document)}" for name, document in zip("AB", documents, strict=True)]
    try:
        found, blind = list(differences(*documents)), unread(*documents)
        things = [part for system in documents[0]["compared"].values() for part in system.values()]
    except (AttributeError, KeyError, TypeError):
        raise ValueError(f"{first} or {second} is not what this suite writes") from None
    lines += _table(found)
    lines += [f"read in neither: {what}" for what in blind]
    if found:
        return 1, "\n".join([*lines, f"{len(found)} differences"])
    read = sum(len(part) for part in things if NOT_READ not in part)
    if not read:
        return 5, "\n".join([*lines, "nothing that could be compared"])
    return 0, "\n".join([*lines, f"the same in everything that was read: {read} things"])


def _table(found: Sequence[Difference]) -> list[str]:
    if not found:
        return []
    rows = [("", "A", "B")]
    rows += [(_cell(f"{d.system} {d.part}: {d.thing}"), *_apart(d.before, d.after)) for d in found]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return [f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}" for row in rows]


def _apart(before: str, after: str) -> tuple[str, str]:
    """Two texts as cells: from shortly before where they part, if that would be cut off."""
    apart = (place for place, (a, b) in enumerate(zip(before, after, strict=False)) if a != b)
    same = next(apart, min(len(before), len(after)))
    lead = same - WIDEST // 4 if same > WIDEST // 2 else 0
    mark = "…" if lead else ""
    return _cell(f"{mark}{before[lead:]}" if before else "-"), _cell(f"{mark}{after[lead:]}" if after else "-")


def _of(document: Mapping[str, Any]) -> str:
    broken = f", broken by fault {document['fault']}" if document.get("fault") else ""
    return f"{document.get('host')} ({document.get('kind')}{broken}), taken {document.get('taken')}"


def _cell(text: str) -> str:
    text = " ".join(text.split())
    return visible(text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…")
