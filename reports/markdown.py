"""summary.md: the run for a job's summary or a pull request's comment, short enough for both."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reports import view
from reports.view import Criterion, View

NAME = "summary.md"
LONGEST = 60_000  # characters: a comment on GitHub may have 65,536
_MOST_FINDINGS = 5  # of one criterion
_LONGEST_TEXT = 400
_SIGN = {"good": "✅", "bad": "❌", "open": "⚠️"}
# what Markdown and GitHub would make something of: mark-up, HTML, mentions, references
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>+\-.!|~$&:])")
_REFERENCE = re.compile(
    r"[@#]"
)  # these GitHub looks for in the finished text, where no escape is left: a comment parts it


def write(folder: Path, run: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> Path:
    """Write the file and return its path."""
    path = folder / NAME
    path.write_text(render(view.of(run, results)), encoding="utf-8")
    return path


def render(seen: View) -> str:
    """The summary. Where it would be too long, the last criteria are only counted."""
    head, blocks, tail = _head(seen), [_block(one) for one in seen.troubled], _tail(seen)
    room = LONGEST - sum(len(line) + 1 for line in (*head, *tail)) - 100
    kept: list[str] = []
    for block in blocks:
        if room < len(block):
            kept.append(f"*{len(blocks) - len(kept)} more: see report.html*\n")
            break
        room -= len(block)
        kept.append(block)
    return "\n".join([*head, *kept, *tail]) + "\n"


def _head(seen: View) -> list[str]:
    run, verdict = seen.run, seen.verdict
    lines = [
        f"## {_SIGN[verdict.tone]} {verdict.headline}: {_text(run['host'])}",
        "",
        f"{_text(run['target'])}  ",
        f"{verdict.sentence} Exit {run['exit_code']} ({_text(view.words(run['exit_name']))}), "
        f"{seen.seconds:.0f} s, ended {run['ended'][:19].replace('T', ' ')} UTC.",
        "",
    ]
    lines += [f"- {_text(cause)}" for cause in verdict.causes]
    if run["parts"]:
        lines += ["", "| host | run | exit |", "| --- | --- | --- |"]
        lines += [
            f"| {_text(part['host'])} | {_text(part['run_id'])} "
            f"| {part['exit_code']} ({_text(view.words(part['exit_name']))}) |"
            for part in run["parts"]
        ]
    lines += ["", f"Proof: {_text(seen.proof['told'])}."]
    counts = seen.counts
    if counts:
        lines += ["", "| " + " | ".join(map(view.words, counts)) + " |", "|" + " ---: |" * len(counts)]
        lines += ["| " + " | ".join(map(str, counts.values())) + " |"]
    return [*lines, ""]


def _block(one: Criterion) -> str:
    lines = [f"### {_text(view.words(one.outcome))}: {one.id} ({one.severity})", "", _text(one.title), ""]
    findings = [finding for case in one.cases for finding in case["findings"]]
    if findings and one.outcome in ("failed", "waived"):
        lines += ["| where | expected | found |", "| --- | --- | --- |"]
        lines += [
            f"| {_text(f['where'])} | {_text(f['expected'])} | {_text(f['found'])} |" for f in findings[:_MOST_FINDINGS]
        ]
        if len(findings) > _MOST_FINDINGS:
            lines.append(f"| *and {len(findings) - _MOST_FINDINGS} more* | | |")
    else:
        lines.append(_text(one.reason))
    if one.outcome == "failed":
        lines += ["", f"To mend: {_text(one.remedy)}"]
    return "\n".join([*lines, ""])


def _tail(seen: View) -> list[str]:
    told = [f"- {number} {view.words(outcome)}: {_text(reason)}" for outcome, reason, number in seen.left_out]
    return ["", *told, "", f"Run {_text(seen.run['run_id'])}"]


def _text(value: str) -> str:
    """One line of plain text, whatever is in it."""
    plain = _SPECIAL.sub(r"\\\1", " ".join(view.visible(value, _LONGEST_TEXT).split()))
    return _REFERENCE.sub(lambda match: f"{match[0]}<!-- -->", plain)
