"""Loads the suite's plugin, and refuses a `fixtures` package that is not this checkout's (PyPI has one)."""

from pathlib import Path

import pytest

import fixtures

if Path(fixtures.__file__ or "").resolve().parent != Path(__file__).with_name("fixtures").resolve():
    raise pytest.UsageError(
        f"another package named `fixtures` is imported: {fixtures.__file__}; uninstall it from this environment"
    )

pytest_plugins = ["fixtures.plugin", "pytester"]
