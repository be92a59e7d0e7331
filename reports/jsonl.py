"""results.jsonl: on the first line the run, with what each criterion came out as; then one line for each result."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from reports import paths, view

NAME = "results.jsonl"


def write(folder: Path, run: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> Path:
    """Write the file in one go and return its path."""
    # for whoever looks at many runs: what the lines below amount to, by criterion, with the seconds it took
    criteria = {one.id: [one.outcome, round(one.duration_s, 4)] for one in view.of(run, results).criteria}
    lines = [json.dumps({"run": run, "criteria": criteria}, ensure_ascii=False)]
    lines += [json.dumps({"result": result}, ensure_ascii=False) for result in results]
    path = folder / NAME
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def head(folder: Path) -> dict[str, Any]:
    """The run alone. Raises ValueError when the file does not begin as `write` makes it."""
    run: dict[str, Any] = _first(folder)["run"]
    return run


def brief(folder: Path) -> tuple[dict[str, Any], dict[str, tuple[str, float]]]:
    """The run, and of each criterion its outcome and seconds; reads no result. Raises ValueError as `head` does."""
    first = _first(folder)
    if "criteria" not in first:  # a record of before
        return first["run"], {one.id: (one.outcome, one.duration_s) for one in view.of(*read(folder)).criteria}
    return first["run"], {name: (outcome, seconds) for name, (outcome, seconds) in first["criteria"].items()}


def _first(folder: Path) -> dict[str, Any]:
    with _opened(folder) as stream:
        first = json.loads(stream.readline())
    if not isinstance(first, dict) or not isinstance(first.get("run"), dict):
        raise ValueError(f"{folder / NAME}:1: not a run")
    return first


def read(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The run and its results. Raises ValueError naming file and line when the file is not what `write` makes."""
    path = folder / NAME
    documents = []
    with _opened(folder) as stream:
        text = stream.read()
    # not splitlines, which takes more characters for the end of a line than `write` does
    for number, line in enumerate(text.rstrip("\n").split("\n"), start=1):
        try:
            documents.append(json.loads(line))
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}") from None
    if not documents or "run" not in documents[0] or any("result" not in document for document in documents[1:]):
        raise ValueError(f"{path}: not a result file")
    return documents[0]["run"], [document["result"] for document in documents[1:]]


@contextmanager
def _opened(folder: Path) -> Iterator[TextIO]:
    """The file, to be read. Raises OSError, and ValueError naming it where it is no text, or a pipe to wait for."""
    path = folder / NAME
    if path.exists() and (why := paths.no_file(path)):
        raise ValueError(f"{path}: {why}")
    try:
        with path.open(encoding="utf-8") as stream:
            yield stream
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a result file") from None
