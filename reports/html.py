"""report.html: one file that needs nothing else, and that no text in it can make do anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from reports import history, trend, view
from reports.timeline import timeline

if TYPE_CHECKING:
    from jinja2 import Environment

NAME = "report.html"
_TEMPLATES = Path(__file__).with_name("templates")


def _marked(line: str, part: str) -> Markup:
    """A log line with the part of it that decided. Both are redacted: where that parted them, nothing is marked."""
    before, found, behind = view.visible(line).partition(view.visible(part) if part else "\0")
    return Markup("{}<mark>{}</mark>{}").format(before, found, behind) if found else Markup("{}").format(before)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """Jinja as the page needs it; imported when a page is written, not when pytest starts."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "marked": _marked,
        "visible": view.visible,
        "words": view.words,
        "seconds": lambda value: (
            f"{value:.0f} s" if value >= 10 else f"{value:.1f} s" if value >= 1 else f"{value * 1000:.0f} ms"
        ),
        "moment": lambda text: f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC",
    }
    return made


def write(folder: Path, run: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> Path:
    """Write the file and return its path. Earlier runs of the host are looked for beside `folder`."""
    path = folder / NAME
    seen = view.of(run, results)
    path.write_text(render(seen, history.recent(folder.parent, seen)), encoding="utf-8")
    return path


def render(seen: view.View, runs: Sequence[history.Past] = ()) -> str:
    """The page; `runs`: the last ones of the host, the oldest first, this one at the end.

    Style and script stand in it, and the page allows these two and nothing else, by their hashes.
    """
    style, script = _own("report.css"), _own("report.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src 'none'; base-uri 'none'; form-action 'none'"
    )
    return (
        _environment()
        .get_template("report.html")
        .render(
            view=seen,
            style=style,
            script=script,
            policy=policy,
            timeline=timeline(seen),
            runs=runs,
            columns=trend.columns(runs),
            queries=seen.run.get("queries") or {},
            strips={one.id: history.strip(runs, one.id) for one in seen.criteria} if len(runs) > 1 else {},
            outcomes=list(seen.counts),
            severities=view.SEVERITIES,
            most_entries=view.MOST_ENTRIES,
        )
    )


def _own(name: str) -> Markup:
    """One of our own files, which goes into the page as it is."""
    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
