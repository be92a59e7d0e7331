"""ctrf.json: the run in the Common Test Report Format."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reports import view

NAME = "ctrf.json"
_STATUSES = ("passed", "failed", "skipped", "pending", "other")
# What was not decided counts as failed: a reader of this format must never take it for a pass.
_STATUS = {
    "passed": "passed",
    "failed": "failed",
    "error": "failed",
    "invalid": "failed",
    "waived": "skipped",
    "unmeasured": "skipped",
    "not_applicable": "skipped",
    "not_run": "pending",
}


def write(folder: Path, run: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> Path:
    """Write the file and return its path. Times in milliseconds."""
    tests = [_test(result) for result in results]
    why = view.unsaid(run, results)
    if why:
        tests.append({"name": view.ACCEPTED, "status": "failed", "duration": 0, "suite": ["run"], "message": why})
    counted = Counter(test["status"] for test in tests)
    start, stop = (round(view.when(run[name]).timestamp() * 1000) for name in ("started", "ended"))
    document = {
        "reportFormat": "CTRF",
        "specVersion": "0.0.0",
        "reportId": str(uuid.uuid5(uuid.NAMESPACE_OID, run["run_id"])),
        "timestamp": run["ended"],
        "generatedBy": "prosaas-acceptance",
        "results": {
            "tool": {"name": "prosaas-acceptance"},
            "summary": {
                "tests": len(tests),
                **{status: counted[status] for status in _STATUSES},
                "suites": len({tuple(test["suite"]) for test in tests}),
                "start": start,
                "stop": stop,
                "duration": stop - start,
                "extra": {"exitCode": run["exit_code"], "verdict": run["exit_name"], "causes": list(run["causes"])},
            },
            "tests": tests,
            "environment": {
                "testEnvironment": run["host"],
                "extra": {"target": run["target"], "ceiling": run["ceiling"], "versions": dict(run["versions"])},
            },
        },
    }
    path = folder / NAME
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _test(result: Mapping[str, Any]) -> dict[str, Any]:
    case = f" [{result['case']}]" if result["case"] else ""
    test = {
        "name": f"{result['id']} {result['title']}{case}",
        "status": _STATUS[result["outcome"]],
        "rawStatus": result["outcome"],
        "duration": round(result["duration_s"] * 1000),
        "suite": [result["system"], result["area"]],
        "type": "acceptance",
        "tags": [result["severity"], result["effect"]],
        "extra": {"id": result["id"], "case": result["case"], "sources": list(result["sources"])},
    }
    if result["message"]:
        test["message"] = result["message"]
    if result["started"]:
        test["start"] = round(view.when(result["started"]).timestamp() * 1000)
    if test["status"] == "failed":
        test["extra"] |= {"remedy": result["remedy"], "findings": list(result["findings"])}
    return test
