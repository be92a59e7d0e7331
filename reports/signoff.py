"""signoff.json: an in-toto statement of test results in a DSSE envelope, signed with Ed25519; and its verification."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports import enclosed, jsonl, paths

if TYPE_CHECKING:  # most runs are not signed: the library is imported where a key is used
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

NAME = "signoff.json"
_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
_OF_THE_RUN = ("run_id", "started", "ended", "ceiling", "judged_by", "commit", "partial", "exit_code", "causes")
_WARNED = frozenset({"waived", "unmeasured"})
_UNDECIDED = frozenset({"failed", "error", "invalid"})


class KeyProblem(Exception):
    """A key that cannot be used: not there, not PEM, not Ed25519."""


def private_key(path: Path) -> Ed25519PrivateKey:
    """A private key from a PEM file. Raises KeyProblem."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_pem(path), password=None)
    except (ValueError, TypeError) as error:
        raise KeyProblem(f"{path}: {_first_line(error)}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyProblem(f"{path}: not an Ed25519 key; make one with: openssl genpkey -algorithm ed25519")
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """A public key from a PEM file. Raises KeyProblem."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_pem(path))
    except ValueError as error:
        raise KeyProblem(f"{path}: {_first_line(error)}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyProblem(f"{path}: not an Ed25519 key")
    return key


def _pem(path: Path) -> bytes:
    if why := paths.no_file(path):
        raise KeyProblem(f"{path}: {why}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyProblem(f"{path}: {paths.reason(error)}") from None


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


# -- signing -------------------------------------------------------------------------------------------------------


def sign(folder: Path, files: Iterable[Path], key: Ed25519PrivateKey) -> Path:
    """Write the signed statement about `files`, the artefacts of the run in `folder`, and return its path."""
    run, results = jsonl.read(folder)
    payload = json.dumps(statement(sorted(files), run, results), ensure_ascii=False, sort_keys=True).encode()
    path = folder / NAME
    path.write_text(_envelope(payload, key.sign(_encoded(payload)), key.public_key()), encoding="utf-8")
    return path


def _envelope(payload: bytes, signature: bytes, key: Ed25519PublicKey) -> str:
    """The only way in which we write an envelope: so that no byte of the file is without meaning."""
    envelope = {
        "payloadType": _PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": key_id(key), "sig": base64.b64encode(signature).decode()}],
    }
    return json.dumps(envelope, indent=1) + "\n"


def statement(files: Sequence[Path], run: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The in-toto statement: the files as its subject, the verdict as its predicate."""

    def named(outcomes: Iterable[str]) -> list[str]:
        return [_name(result) for result in results if result["outcome"] in outcomes]

    return {
        "_type": _STATEMENT_TYPE,
        "subject": [{"name": file.name, "digest": {"sha256": _digest(file)}} for file in files],
        "predicateType": _PREDICATE_TYPE,
        "predicate": {
            "result": "PASSED" if run["exit_code"] == 0 else "FAILED",
            "configuration": [
                {"name": "catalogue", "digest": {"sha256": run["catalogue"]}},
                {
                    "name": "target",
                    "annotations": {name: run[name] for name in ("host", "target", "fingerprint", "versions")},
                },
                {
                    "name": "run",
                    "annotations": {name: run[name] for name in _OF_THE_RUN},
                },
                {"name": "waivers", "annotations": {"waivers": run["waivers"]}},
                {"name": "proof", "annotations": dict(run["proof"])},
            ],
            "passedTests": named({"passed"}),
            "warnedTests": named(_WARNED),
            "failedTests": named(_UNDECIDED),
            "notRun": not_run(results),  # a field of ours: who reads test results passes over what he does not know
        },
    }


def not_run(results: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What was left out, criterion or case -> reason."""
    return {_name(result): result["message"] for result in results if result["outcome"] == "not_run"}


def _name(result: Mapping[str, Any]) -> str:
    return f"{result['id']}[{result['case']}]" if result["case"] else str(result["id"])


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _encoded(payload: bytes) -> bytes:
    """What DSSE signs: type and payload, each behind its length."""
    kind = _PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def key_id(key: Ed25519PublicKey) -> str:
    """SHA-256 of the raw public key, hex."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


# -- verifying -----------------------------------------------------------------------------------------------------


def problems(folder: Path, key: Ed25519PublicKey, on: date | None = None) -> list[str]:
    """Everything that keeps the folder of a run from being what was signed, and from being good on that day (UTC).

    Empty where the signature is valid, every file is as it was, what is enclosed is what the run rests on, the run was
    accepted, and no waiver has expired.
    """
    try:
        payload = _opened(folder / NAME, key)
    except _Refused as refused:
        return [str(refused)]
    told = _files(folder, payload["subject"])
    predicate = payload["predicate"]
    configuration = {part["name"]: part for part in predicate["configuration"]}
    parts = {name: part.get("annotations", {}) for name, part in configuration.items()}
    run = parts["run"]
    if predicate["result"] != "PASSED" or run["exit_code"] != 0:
        why = "; ".join(run["causes"]) or "no cause is given"
        told.append(f"the run was not accepted: exit code {run['exit_code']}: {why}")
    day = on or datetime.now(UTC).date()
    told += [
        f"the waiver for {waiver['id']} expired on {waiver['expires']}"
        for waiver in parts["waivers"]["waivers"]
        if date.fromisoformat(waiver["expires"]) < day
    ]
    signed = _signed(payload["subject"])
    rests_on = enclosed.bound(configuration["catalogue"]["digest"]["sha256"], parts.get("proof", {}))
    told += [
        f"{name} is not what the run rests on" for name in rests_on if signed.get(name) not in (None, rests_on[name])
    ]
    return told


def altered(folder: Path, key: Ed25519PublicKey) -> list[str]:
    """Everything that keeps the folder of a run from being what was signed, whatever its verdict. Empty: it is."""
    try:
        return _files(folder, _opened(folder / NAME, key)["subject"])
    except _Refused as refused:
        return [str(refused)]


class _Refused(Exception):
    """Why an envelope cannot be trusted at all."""


def _opened(path: Path, key: Ed25519PublicKey) -> dict[str, Any]:
    """The statement in an envelope, once its signature has been verified."""
    if path.exists() and paths.no_file(path):
        raise _Refused(f"{path.name} was changed: it is no file")
    try:
        text = path.read_text(encoding="utf-8")
        envelope = json.loads(text)
        payload = base64.b64decode(envelope["payload"])
        signature = base64.b64decode(envelope["signatures"][0]["sig"])
    except FileNotFoundError:
        raise _Refused(f"{path.name} is missing: the run was not signed") from None
    except (OSError, ValueError, LookupError, TypeError):
        raise _Refused(f"{path.name} was changed: it is no envelope") from None
    if not _valid(key, signature, payload):
        raise _Refused(f"{path.name}: no valid signature of the key {key_id(key)[:16]}")
    if text != _envelope(payload, signature, key):
        raise _Refused(f"{path.name} was changed")
    found: dict[str, Any] = json.loads(payload)
    if found.get("_type") != _STATEMENT_TYPE or found.get("predicateType") != _PREDICATE_TYPE:
        raise _Refused(f"{path.name}: a statement of another kind")
    return found


def _valid(key: Ed25519PublicKey, signature: bytes, payload: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, _encoded(payload))
    except InvalidSignature:
        return False
    return True


def _signed(subject: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {one["name"]: one["digest"]["sha256"] for one in subject}


def _files(folder: Path, subject: Sequence[Mapping[str, Any]]) -> list[str]:
    signed = _signed(subject)
    there = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    }
    told = [f"{name} is missing" for name in sorted(signed.keys() - there)]
    told += [f"{name} was added" for name in sorted(there - signed.keys() - {NAME})]
    told += [f"{name} was changed" for name in sorted(signed.keys() & there) if not _holds(folder / name, signed[name])]
    if (folder / NAME).is_symlink():
        told.append(f"{NAME} was changed")
    return told


def _holds(path: Path, digest: str) -> bool:
    """Whether it is a file with this content; a link is none: what it leads to can change while the folder does not."""
    return path.is_file() and not path.is_symlink() and _digest(path) == digest
