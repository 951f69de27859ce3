"""Looks for secrets in everything that is logged while the tests run.

`Scan` handles all records of the test process: the app's loggers at DEBUG, all others at INFO, the
level of host.json. The files with the logs of other processes (the functions host, Azurite,
Postgres) are read at the end. Known secrets are searched literally, all others by their form. A
finding shows the line with the secret masked.
"""

import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from local.azurite import ACCOUNT_KEY

# Postgres accepts every local caller with any password: this one is only searched for in logs.
DATABASE_PASSWORD = "the-password-of-the-tests-database"

SECRETS: Mapping[str, re.Pattern[str]] = {
    kind: re.compile(pattern)
    for kind, pattern in {
        "account key": f"{re.escape(ACCOUNT_KEY)}|{re.escape(quote(ACCOUNT_KEY, safe=''))}",
        "database password": re.escape(DATABASE_PASSWORD),
        # Every JWT begins with '{"' in base64.
        "bearer token": r"\beyJ[\w-]{10,}[\w.-]*|(?i:\bbearer)\s+[\w.~+/-]{20,}",
        # HMAC-SHA256 in base64, as in a URL, once or twice encoded, or in a dict.
        "signature of a link": r"(?<![A-Za-z])sig(?:%(?:25)*3D|\W{1,4})[\w+/%-]{43,}",
        "key in a connection string": r"(?i:\bAccountKey=)[\w+/=]{8,}",
        "password in an address": r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)",
        # As part of a URL, or alone: 32 bytes in base64, distinguished from words by their mix.
        "share token": r"(?<=/s/)[\w-]{16,}"
        r"|(?<![\w/+=-])(?=[\w-]*[0-9])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{43}(?![\w/+=-])",
        "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    }.items()
}
_PROJECT_LOGGERS = ("clips", "shared", "local", "function_app")
_TESTS_OWN_CLIENT = "httpx"  # logs every address that a test opens; the app does not have it
_LOG_FILES = {"log", "errors"}  # besides *.log
_STANDARD_ATTRIBUTES = {*vars(logging.makeLogRecord({})), "message", "asctime"}


def masked(text: str) -> str:
    """Replaces each secret in the text by its kind."""
    for kind, pattern in SECRETS.items():
        text = pattern.sub(f"<{kind}>", text)
    return text


class Scan(logging.Handler):
    """Collects the lines that hold a secret, each with its source."""

    def __init__(self) -> None:
        super().__init__()
        self.findings: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Checks a record in its written form, and its extra attributes."""
        attached = {
            name: value for name, value in vars(record).items() if name not in _STANDARD_ATTRIBUTES
        }
        test = os.environ.get("PYTEST_CURRENT_TEST", "no test")
        where = f"logger {record.name}, {record.pathname}:{record.lineno}, in {test}"
        for line in self.format(record).splitlines():
            self._check(line, where)
        self._check(str(attached), where)

    def check_files(self, folder: Path) -> None:
        """Checks every log file in a folder."""
        for path in _log_files(folder):
            with path.open(errors="replace") as lines:
                for number, line in enumerate(lines, 1):
                    self._check(line, f"{path}:{number}")

    def _check(self, line: str, where: str) -> None:
        result = masked(line)
        if result != line:
            self.findings.append(f"{where}: {result.strip()[:400]}")


@contextmanager
def scanning() -> Iterator[Scan]:
    """A scan of every record of this process."""
    scan = Scan()
    root = logging.getLogger()
    levels = {"": logging.INFO, _TESTS_OWN_CLIENT: logging.WARNING}
    levels |= dict.fromkeys(_PROJECT_LOGGERS, logging.DEBUG)
    before = {name: logging.getLogger(name).level for name in levels}
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    root.addHandler(scan)
    try:
        yield scan
    finally:
        root.removeHandler(scan)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _log_files(folder: Path) -> Iterator[Path]:
    for here, folders, files in folder.walk():
        if "PG_VERSION" in files:  # a cluster: thousands of files, and no log
            folders.clear()
        yield from (here / name for name in files if name in _LOG_FILES or name.endswith(".log"))
