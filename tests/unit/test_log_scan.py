"""The scan of the logs: it finds a secret of each kind, shows none, and fails the session."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import pytest

from local.azurite import ACCOUNT_KEY
from local.issuer import Issuer
from tests.log_scan import DATABASE_PASSWORD, SECRETS, Scan, masked

ROOT = Path(__file__).parents[2]
SIGNATURE = "4VqhcSYUhcFRr5UW6nq3mBCc5BiJdkFVgUl/pLe5fR4="
TOKEN = "Zx3-9qLm0_TnV5bR8wYc2KdE7fGhJ1sPu4iOaX6vBnM"
LINK = "http://127.0.0.1:10000/devstoreaccount1/c/b?sv=2026-02-06&se=2026-11-22T13%3A00%3A00Z&sp=r"

LINES: dict[str, list[str]] = {
    "account key": [
        f"connected with {ACCOUNT_KEY}",
        f"AccountName=devstoreaccount1;AccountKey={ACCOUNT_KEY};",
        f"GET /?key={quote(ACCOUNT_KEY, safe='')}",
    ],
    "database password": [
        f"postgresql://cliplink:{DATABASE_PASSWORD}@127.0.0.1:5432/test_1",
        f"connection to host=127.0.0.1 password={DATABASE_PASSWORD} failed",
    ],
    "bearer token": [
        "the header was Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl",
        "{'authorization': 'eyJhbGciOiJSUzI1NiJ9'}",
        "authorization: bearer 4f9c1b8e27d04a5c9a6b3d2e",
    ],
    "signature of a link": [
        f"{LINK}&sig={quote(SIGNATURE, safe='')}",
        f"PUT {LINK}&sig={SIGNATURE}&comp=block HTTP/1.1",
        f"/login?next={quote(f'{LINK}&sig={quote(SIGNATURE, safe="")}', safe='')}",
        f"{{'sp': 'r', 'sig': '{SIGNATURE}'}}",
    ],
    "key in a connection string": ["AccountName=clips;AccountKey=c2VjcmV0c2VjcmV0;"],
    "password in an address": ["cannot reach postgresql://app:hunter2@db.example.org/clips"],
    "share token": [
        "GET /api/s/nTq3Zr8vVx0sYwP1cK7dLg HTTP/1.1",
        f"no share has the token {TOKEN}",
        f"{{'token': '{TOKEN}'}}",
    ],
    "private key": ["-----BEGIN RSA PRIVATE KEY-----"],
}
HARMLESS = [
    "Clip 4be2a1c7-7d5c-4b80-8f2b-0c8b86b4ad3e is ready: 125000 bytes, 2.0 s",
    "http://127.0.0.1:10000/devstoreaccount1/test-1-clips/a/b.mp4",
    "Request URL: 'https://clips.example.org/c/b?sig=REDACTED&se=REDACTED'",
    "'Authorization': 'REDACTED'",
    "the token must be signed with RS256",
    'password authentication failed for user "cliplink"',
    "A bearer token is required",
    "GET /api/s/ HTTP/1.1",
    "tests/e2e/test_a_host_that_is_killed_while_it_processes_a_clip",
    "the digest 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
]


def record(message: str, *arguments: object, **more: object) -> logging.LogRecord:
    """A record that no logger handles, so that the scan of the session does not see it."""
    made = logging.LogRecord(
        "clips.some", logging.INFO, "clips/some.py", 7, message, arguments, None
    )
    vars(made).update(more)
    return made


@contextmanager
def log_file(text: str) -> Iterator[Path]:
    """A folder with a nested log file, outside the folders that the session's scan checks."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "e2e-1" / "host.log"
        path.parent.mkdir()
        path.write_text(text)
        yield Path(folder)


def test_every_kind_of_secret_has_an_example() -> None:
    assert set(LINES) == set(SECRETS)


@pytest.mark.parametrize(
    ("kind", "line"), [(kind, line) for kind, lines in LINES.items() for line in lines]
)
def test_planted_secret_is_found_in_records_and_files(kind: str, line: str) -> None:
    scan = Scan()
    scan.handle(record("it said %s", line))
    with log_file(f"fine\n{line}\nfine\n") as folder:
        scan.check_files(folder)
        in_record, in_file = scan.findings
        assert in_file.startswith(f"{folder}/e2e-1/host.log:2: ")
    assert in_record.startswith("logger clips.some, clips/some.py:7, in ")
    for finding in scan.findings:
        assert f"<{kind}>" in finding


@pytest.mark.parametrize("line", [line for lines in LINES.values() for line in lines])
def test_masked_line_holds_no_secret(line: str) -> None:
    hidden = masked(line)
    assert hidden != line
    for secret in (
        ACCOUNT_KEY,
        DATABASE_PASSWORD,
        SIGNATURE[:20],
        "eyJ",
        "hunter2",
        "c2VjcmV0",
        "Zx3-9q",
    ):
        assert secret not in hidden


@pytest.mark.parametrize("line", HARMLESS)
def test_ordinary_line_is_accepted(line: str) -> None:
    assert masked(line) == line


def test_token_of_the_issuer_is_recognised(tmp_path: Path) -> None:
    token = Issuer(tmp_path / "key.pem").token("alice")
    assert masked(f"Bearer {token} was refused") == "<bearer token> was refused"


def test_secret_in_a_trace_is_found() -> None:
    scan = Scan()
    error = ValueError(f"{LINK}&sig={SIGNATURE}")
    scan.handle(record("it failed", exc_info=(ValueError, error, None)))
    (finding,) = scan.findings
    assert "<signature of a link>" in finding


def test_secret_that_is_attached_to_a_record_is_found() -> None:
    """Telemetry also sends the values in `extra`."""
    scan = Scan()
    scan.handle(record("fine", url=f"{LINK}&sig={SIGNATURE}"))
    assert len(scan.findings) == 1


IN_WORKERS = ["-p", "xdist", "--numprocesses", "2"]


@pytest.mark.parametrize(
    ("statement", "findings", "options"),
    [
        ("logging.getLogger('clips').debug('eyJhbGciOiJSUzI1NiJ9')", 1, []),
        ("logging.getLogger('azure').info('sig=%s', 'x' * 43)", 1, []),
        ("(tmp_path / 'host.log').write_text('eyJhbGciOiJSUzI1NiJ9')", 1, []),
        ("(tmp_path / 'host.log').write_text('eyJhbGciOiJSUzI1NiJ9')", 1, IN_WORKERS),
        ("logging.getLogger('clips').debug('nothing of interest')", 0, []),
    ],
)
def test_session_that_logs_a_secret_fails(
    statement: str, findings: int, options: list[str]
) -> None:
    """A session of several processes fails too if one of them logs a secret."""
    code = f"""
import logging
import os
from tests.conftest import no_secret_is_logged

def test_it(tmp_path):
    {statement}
"""
    with TemporaryDirectory() as folder:  # not tmp_path: this session's own scan looks there
        (Path(folder) / "test_it.py").write_text(code)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", "/dev/null"]
        command += ["--rootdir", folder, "--basetemp", f"{folder}/base", *options]
        run = subprocess.run(
            [*command, f"{folder}/test_it.py"],
            cwd=ROOT,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # loading them takes seconds
            check=False,
            capture_output=True,
            text=True,
        )
    assert run.returncode == (pytest.ExitCode.TESTS_FAILED if findings else pytest.ExitCode.OK)
    assert (f"{findings} lines of logs hold a secret" in run.stdout) == bool(findings)
