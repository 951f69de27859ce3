"""checkov finds no problem in the template, and checks all of it."""

import json
import re
import subprocess
from typing import Any

import pytest

from infra.compiler import FILES, INFRA

PYTHON = INFRA.parent / ".venv/checkov/bin/python"
PROGRAM = INFRA.parent / "tests/infra/checkov_report.py"


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    assert PYTHON.exists(), "checkov lives in an environment of its own: run `make test` once"
    run = subprocess.run([PYTHON, PROGRAM, INFRA], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_checkov_reads_every_resource(report: dict[str, Any]) -> None:
    """Files that checkov cannot read are skipped without a message."""
    named = {
        path: sorted(re.findall(r"^resource (\w+) ", path.read_text(), re.MULTILINE))
        for path in FILES
    }
    expected = {str(path.relative_to(INFRA)): names for path, names in named.items() if names}
    assert {name: seen for name, seen in report["seen"].items() if seen} == expected
    assert sum(map(len, expected.values())) > 90


def test_checkov_finds_nothing(report: dict[str, Any]) -> None:
    assert report["passed"] > 30
    assert report["failed"] == []


def test_every_exception_is_in_use_and_has_a_reason(report: dict[str, Any]) -> None:
    assert all(len(each["reason"].strip()) > 10 for each in report["skipped"])
    written = sum(path.read_text().count("// checkov:skip=") for path in FILES)
    assert written == len(report["skipped"])
