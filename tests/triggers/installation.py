"""An installation of the app whose triggers are those of the local host, or Microsoft's own.

Microsoft's are in a program that the variable TRIGGERS names: see local.triggers.
"""

import base64
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
from psycopg import sql

from local import ports, processes, triggers
from local.host import child
from tests.e2e.app import NO_TLS, ROOT, App

LOCAL, MICROSOFT = "local", "microsoft"
_BESIDE = ROOT.parent / "shared" / "tools" / "triggers" / "triggers"
_CALL = re.compile(r"local\.host: (\w+) (ok|failed) in \d+ ms: (.*)")


def program() -> Path | None:
    """The program with Microsoft's triggers: from the variable, or beside the project.

    `make test` sets the variable, to nothing unless it is given one: its runs stay short.
    """
    path = Path(os.environ.get("TRIGGERS", _BESIDE))
    return path if os.access(path, os.X_OK) and path.is_file() else None


class Gate:
    """The app's connection to storage: open, down, slow, or stopped at one request."""

    def __init__(self) -> None:
        self.is_away = False
        self.slow_listing = 0.0
        self._stops: tuple[str, ...] = ()
        self.reached = threading.Event()
        self._open = threading.Event()

    def stop_at(self, *parts: str) -> None:
        """Holds every request with these parts until `open` is called."""
        self.reached.clear()
        self._open.clear()
        self._stops = parts

    def open(self) -> None:
        self._stops = ()
        self._open.set()

    def __call__(self, method: str, path: str) -> int | None:
        if self._stops and all(part in f"{method} {path}" for part in self._stops):
            self.reached.set()
            self._open.wait(120)
        if self.slow_listing and "comp=list" in path and "-temp" in path:
            time.sleep(self.slow_listing)
        return 503 if self.is_away else None


@dataclass
class Installation:
    """One app with one kind of triggers, running."""

    app: App
    gate: Gate
    mode: str
    listener: socket.socket
    setup: triggers.Setup | None
    _host: child.Host | None = None
    _triggers: processes.Child | None = None

    def start(self) -> None:
        self.start_functions()
        self.start_triggers()

    def start_functions(self) -> None:
        bindings = None if self.setup is None else self.setup.bindings
        host = child.start(
            ROOT,
            self.app.port,
            {**self.app.host_environment, "LOCAL_HOST_LEASE_SECONDS": "5"},
            log=self.app.folder / "host.log",
            bindings=bindings,
            listener=self.listener,
        )
        self._host = host
        host.wait_until_answering("/admin/host/status")

    def start_triggers(self) -> None:
        if self.setup is not None:
            self._triggers = self.setup.start()

    def kill_functions(self) -> None:
        """Kills the worker, as when it runs out of memory."""
        assert self._host is not None
        self._host.child.process.kill()
        self._host.child.process.wait()

    def kill_triggers(self) -> None:
        assert self._triggers is not None
        self._triggers.process.kill()
        self._triggers.process.wait()

    def stop(self) -> None:
        if self._triggers is not None:
            self._triggers.stop()
        if self._host is not None:
            self._host.child.stop()

    def deliver(self, name: str) -> None:
        """Sends the event of a blob as Event Grid does."""
        base = f"http://127.0.0.1:{self.app.port}/runtime/webhooks/blobs"
        if self.setup is not None:
            base = self.setup.webhook_url
        url = f"{self.app.account.blob_endpoint}/{self.app.prefix}-clips/{quote(name)}"
        event = {
            "eventType": "Microsoft.Storage.BlobCreated",
            "data": {"url": url, "eTag": "0x1", "blobType": "BlockBlob"},
        }
        answer = httpx.post(
            base,
            params={"functionName": "Host.Functions.clip_landed"},
            json=[event],
            headers={"aeg-event-type": "Notification"},
            timeout=90,
            verify=NO_TLS,
        )
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text

    def calls(self, subject: str = "") -> list[tuple[str, str]]:
        """Function and outcome of the ended calls whose subject contains this part."""
        found = [match.groups() for match in map(_CALL.search, self.app.log.splitlines()) if match]
        return [(function, outcome) for function, outcome, of in found if subject in of]

    def poison(self, part: str) -> list[str]:
        """The poison messages that contain this part, without the part."""
        texts = [base64.b64decode(message).decode() for message in self.app.poison()]
        return [text.replace(part, "*") for text in texts if part in text]

    @contextmanager
    def database_away(self) -> Iterator[None]:
        """The database refuses new connections and closes open ones."""
        url = self.app.environment["DATABASE_URL"]
        name = sql.Identifier(url.rpartition("/")[2])
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        with psycopg.connect(_server(url), autocommit=True) as server:
            server.execute(allow.format(name, sql.SQL("false")))
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [url.rpartition("/")[2]],
            )
            try:
                yield
            finally:
                server.execute(allow.format(name, sql.SQL("true")))

    @contextmanager
    def broken_schema(self) -> Iterator[None]:
        """A missing table: a fault that is not an outage, so that nothing waits for its end."""
        with psycopg.connect(self.app.environment["DATABASE_URL"], autocommit=True) as database:
            database.execute("ALTER TABLE clips RENAME TO clips_elsewhere")
            try:
                yield
            finally:
                database.execute("ALTER TABLE clips_elsewhere RENAME TO clips")


def _server(url: str) -> str:
    return f"{url.rpartition('/')[0]}/postgres"


@contextmanager
def installed(app: App, gate: Gate, mode: str) -> Iterator[Installation]:
    """Runs an app with one kind of triggers, and a gate in front of its storage."""
    setup = None
    if mode == MICROSOFT:
        found = program()
        assert found is not None
        setup = triggers.Setup(
            program=found,
            bindings=app.folder / "functions.json",
            host_json=ROOT / "host.json",
            functions_port=app.port,
            webhook_port=ports.free_port(),
            environment={
                **app.host_environment,
                "DOTNET_BUNDLE_EXTRACT_BASE_DIR": str(app.folder.parent / "dotnet"),
            },
            log=app.folder / "triggers.log",
        )
    with ports.listening(app.port) as listener:
        installation = Installation(app, gate, mode, listener, setup)
        try:
            installation.start()
            yield installation
        finally:
            gate.open()
            installation.stop()
