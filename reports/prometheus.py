"""acceptance.prom: gauges for the textfile collector of Prometheus's node exporter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reports import view
from reports.result import OUTCOMES

NAME = "acceptance.prom"


def write(folder: Path, run: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> Path:
    """Write the file and return its path. Times in seconds since the epoch, durations in seconds."""
    seen = view.of(run, results)
    host = {"host": run["host"]}
    hosts = {result["host"] for result in results}  # more than one in a merged run
    by_outcome = Counter((result["host"], result["outcome"], result["severity"]) for result in results)
    lines: list[str] = []

    def gauge(name: str, help_text: str, samples: Sequence[tuple[Mapping[str, str], float]]) -> None:
        lines.append(f"# HELP acceptance_{name} {help_text}")
        lines.append(f"# TYPE acceptance_{name} gauge")
        lines.extend(f"acceptance_{name}{{{_labels({**host, **labels})}}} {value:.15g}" for labels, value in samples)

    gauge("exit_code", "How the run ended; 0 is accepted.", [({"verdict": run["exit_name"]}, run["exit_code"])])
    gauge("ended_timestamp_seconds", "When the run ended.", [({}, view.when(run["ended"]).timestamp())])
    gauge("duration_seconds", "How long the run took.", [({}, seen.seconds)])
    gauge(
        "results",
        "Results of the run by outcome and severity of their criterion.",
        [
            ({"host": name, "outcome": outcome, "severity": severity}, by_outcome[name, outcome, severity])
            for name in sorted(hosts)
            for outcome in OUTCOMES
            for severity in view.SEVERITIES
        ],
    )
    judged = [
        (name, one)
        for name in sorted(hosts)
        for one in view.of(run, [result for result in results if result["host"] == name]).criteria
        if one.outcome not in ("not_run", "not_applicable")
    ]
    gauge(
        "criterion_holds",
        "Whether a criterion that was to be judged holds: 1, or 0 where it failed or was not decided.",
        [
            (
                {"host": name, "id": one.id, "severity": one.severity, "outcome": one.outcome},
                float(one.outcome == "passed"),
            )
            for name, one in judged
        ],
    )
    path = folder / NAME
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
