"""junit.xml: one suite for each area, one case for each result."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from reports import view
from reports.result import SKIPPED

NAME = "junit.xml"
# characters that XML 1.0 cannot hold at all, not even escaped
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _clean(text: str) -> str:
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _case(suite: ElementTree.Element, result: Mapping[str, Any]) -> None:
    name = f"{result['id']} {result['title']}" + (f" [{result['case']}]" if result["case"] else "")
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=_clean(f"{result['system']}.{result['area']}"),
        name=_clean(name),
        time=f"{result['duration_s']:.3f}",
    )
    outcome, message = result["outcome"], _clean(result["message"])
    if outcome == "failed":
        node = ElementTree.SubElement(case, "failure", type="failed", message=message.split("\n")[0])
        node.text = _clean(f"{message}\nremedy: {result['remedy']}")
    elif outcome in ("error", "invalid"):
        node = ElementTree.SubElement(case, "error", type=outcome, message=message.split("\n")[0])
        node.text = message
    elif outcome in SKIPPED:
        ElementTree.SubElement(case, "skipped", type=outcome, message=f"{outcome}: {message}")


def write(folder: Path, run: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> Path:
    """Write the file and return its path."""
    root = ElementTree.Element("testsuites", name=_clean(f"acceptance of {run['target']}"))

    def area(result: Mapping[str, Any]) -> tuple[str, str]:
        return result["system"], result["area"]

    for (system, name), group in groupby(sorted(results, key=area), key=area):
        cases = list(group)
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=f"{system}.{name}",
            hostname=run["host"],
            timestamp=run["started"],
            tests=str(len(cases)),
            failures=str(sum(case["outcome"] == "failed" for case in cases)),
            errors=str(sum(case["outcome"] in ("error", "invalid") for case in cases)),
            skipped=str(sum(case["outcome"] in SKIPPED for case in cases)),
            time=f"{sum(case['duration_s'] for case in cases):.3f}",
        )
        for case in cases:
            _case(suite, case)
    why = view.unsaid(run, results)
    if why:
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name="run",
            hostname=run["host"],
            timestamp=run["started"],
            tests="1",
            failures="0",
            errors="1",
            skipped="0",
            time="0.000",
        )
        whole = ElementTree.SubElement(suite, "testcase", classname="run", name=view.ACCEPTED, time="0.000")
        ElementTree.SubElement(whole, "error", type=run["exit_name"], message=_clean(why))
    path = folder / NAME
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return path
