"""results.jsonl: the run on the first line, then one line for each result."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

NAME = "results.jsonl"


def write(folder: Path, run: Mapping[str, Any], results: Iterable[Mapping[str, Any]]) -> Path:
    """Write the file in one go and return its path."""
    lines = [json.dumps({"run": run}, ensure_ascii=False)]
    lines += [json.dumps({"result": result}, ensure_ascii=False) for result in results]
    path = folder / NAME
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def head(folder: Path) -> dict[str, Any]:
    """The run alone. Raises ValueError when the file does not begin as `write` makes it."""
    with (folder / NAME).open(encoding="utf-8") as stream:
        first = json.loads(stream.readline())
    if not isinstance(first, dict) or not isinstance(first.get("run"), dict):
        raise ValueError(f"{folder / NAME}:1: not a run")
    run: dict[str, Any] = first["run"]
    return run


def read(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The run and its results. Raises ValueError naming file and line when the file is not what `write` makes."""
    path = folder / NAME
    documents = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            documents.append(json.loads(line))
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}") from None
    if not documents or "run" not in documents[0] or any("result" not in document for document in documents[1:]):
        raise ValueError(f"{path}: not a result file")
    return documents[0]["run"], [document["result"] for document in documents[1:]]
