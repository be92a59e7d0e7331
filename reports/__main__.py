"""`python -m reports history|verify|merge|compare`: what run folders and snapshots tell; nothing is contacted."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from reports import beside, compare, enclosed, history, jsonl, merge, parts, paths, signoff, view

_SIGNS = {"passed": ".", "failed": "F", "error": "E", "invalid": "I", "waived": "w", "unmeasured": "u", "": " "}
NOTHING, USAGE = 5, 4
DEFAULT = Path("reports/runs")


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0, 1 for a folder that is not valid, 5 where there is nothing to tell of, 4 on wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m reports", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    told = verbs.add_parser("history", help="how each criterion came out in the last runs of a host")
    told.add_argument("host")
    told.add_argument("--report-dir", type=Path, default=DEFAULT)
    told.add_argument("--last", type=int, default=history.LAST, metavar="N", help="runs to look at (default: 20)")
    checked = verbs.add_parser("verify", help="whether a run's folder is what was signed, and was accepted")
    checked.add_argument("folder", type=Path)
    checked.add_argument("--key", type=Path, required=True, help="the public key (PEM)")
    checked.add_argument("--on", type=date.fromisoformat, metavar="DATE", help="the day by which waivers are judged")
    joined = verbs.add_parser("merge", help="one run, one verdict, from the runs of several shards or hosts")
    joined.add_argument("folders", type=Path, nargs="+", metavar="DIR", help="a run's folder, or a folder of such")
    joined.add_argument("--report-dir", type=Path, default=DEFAULT, help="where the merged run goes")
    joined.add_argument("--key", type=Path, metavar="PUB", help="every part must be signed, with this key")
    joined.add_argument("--sign", type=Path, metavar="KEY", help="sign the merged run")
    joined.add_argument(
        "--sign-provisioned", action="store_true", help="sign it where a part made its host itself, too"
    )
    joined.add_argument("--partial", action="store_true", help="accept it though no part judged some criteria")
    compared = verbs.add_parser(
        "compare", help="what two snapshots differ in, or the verdicts of runs; exit 0: nothing, 1: something"
    )
    compared.add_argument("those", type=Path, nargs="+", metavar="A B", help="two snapshots, or the folders of runs")
    try:
        given = parser.parse_args(arguments)
    except SystemExit as error:
        return USAGE if error.code else 0
    if given.verb == "verify":
        return verify(given.folder, given.key, given.on)
    if given.verb == "merge":
        return join(given)
    if given.verb == "compare":
        return differ(given.those)
    return show(given.report_dir, given.host, given.last)


def verify(folder: Path, key: Path, on: date | None) -> int:
    """Print `valid`, or everything that is wrong; the exit code is 0 or 1, or 4 without a folder or a key."""
    if why := paths.no_folder(folder):
        print(f"{folder}: {why}", file=sys.stderr)
        return USAGE
    try:
        public = signoff.public_key(key)
    except signoff.KeyProblem as error:
        print(error, file=sys.stderr)
        return USAGE
    found = signoff.problems(folder, public, on)
    for problem in found:
        print(f"not valid: {problem}")
    if not found:
        print(f"valid: {folder} is what the key {signoff.key_id(public)[:16]} signed, and was accepted")
        run, results = jsonl.read(folder)
        if run.get("partial"):
            print(view.IN_PART)
        for line in left_out(results):
            print(line)
        proof = run.get("proof", {})
        print(f"proof: {proof.get('told', 'unknown')}")
        for name, digest in enclosed.bound(run["catalogue"], proof).items():
            if not (folder / name).is_file():
                print(f"  not in it, so not looked at: {name}, SHA-256 {digest}")
    return 1 if found else 0


def left_out(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """How many criteria were not judged, or not in each case, and which for what reason; empty where all were."""
    ids = {one["id"] for one in results}
    missing = {one["id"] for one in results if one["outcome"] == "not_run"}
    by_reason: dict[str, list[str]] = {}
    for name, reason in signoff.not_run(results).items():
        by_reason.setdefault(reason, []).append(name)
    told = [f"  {reason}: {parts.listed(names)}" for reason, names in by_reason.items()]
    return [f"{len(missing)} of {len(ids)} criteria were not judged:", *told] if missing else []


def join(given: argparse.Namespace) -> int:
    """Merge run folders; the exit code is the merged one, 4 where they cannot be merged."""
    try:
        signing = signoff.private_key(given.sign) if given.sign else None
        public = signoff.public_key(given.key) if given.key else signing.public_key() if signing else None
        found = parts.read(given.folders, public, all_signed=given.key is not None)
        made = [part for part in found if part.run.provisioned]
        if signing and made and not given.sign_provisioned:
            raise parts.Misfit([f"--sign: {made[0]} judged a host that it made itself; see --sign-provisioned"])
        folder, run = merge.write(found, given.report_dir, signing, partial=given.partial)
    except OSError as error:
        print(f"not merged: {error.filename}: {paths.reason(error)}", file=sys.stderr)
        return USAGE
    except (signoff.KeyProblem, parts.Misfit) as error:
        print(f"not merged: {error}", file=sys.stderr)
        return USAGE
    print(f"Target: {run.target}")
    for part in run.parts:
        print(f"  {part['host']}  {part['run_id']}  exit {part['exit_code']} ({view.words(part['exit_name'])})")
    print(f"report: {folder}")
    print(f"Target: {run.target}: exit {run.exit_code} ({'; '.join(run.causes) or 'accepted'})")
    return run.exit_code


def differ(those: Sequence[Path]) -> int:
    """Print what two snapshots or several runs differ in; the exit code is 0, 1, 5, or 4 for what cannot be read."""
    runs = all(map(os.path.isdir, those))
    if len(those) < 2 or (len(those) > 2 and not runs) or len(those) > beside.MOST:
        print(f"compare: two snapshots, or two to {beside.MOST} folders of runs: {len(those)} given", file=sys.stderr)
        return USAGE
    try:
        code, text = beside.show(those) if runs else compare.show(*those)
    except ValueError as error:
        print(error, file=sys.stderr)
        return USAGE
    print(text)
    return code


def show(report_dir: Path, host: str, last: int) -> int:
    """Print the strips of a host's last runs, the criteria with something to remark first."""
    why = paths.no_folder(report_dir)
    if why and report_dir != DEFAULT:
        print(f"--report-dir: {report_dir}: {why}", file=sys.stderr)
        return USAGE
    newest = None if why else history.newest(report_dir, host)
    if newest is None:
        print(f"no run of {host} in {report_dir} (looked at the newest {history.OPENED} folders)", file=sys.stderr)
        return NOTHING
    runs = history.recent(report_dir, newest, last)
    print(f"{host}: {len(runs)} runs, {runs[0].day} to {runs[-1].day} UTC; the newest is on the right")
    strips = [(one, history.strip(runs, one.id)) for one in newest.criteria]
    for one, strip in sorted(strips, key=lambda pair: not pair[1].told):
        drawn = "".join(_SIGNS.get(outcome, "-") for outcome in strip.outcomes)
        print(f"{one.id}  {drawn:<{len(runs)}}  {'; '.join(strip.told)}".rstrip())
    print(". passed  F failed  E error  I invalid  w waived  u unmeasured  - not run or not applicable")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever reads only the first lines wants no traceback
    sys.exit(main())
