"""A sample app with its settings, containers, queues and recorded calls."""

import base64
import http.client
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient
from azure.storage.queue import QueueClient

from local import azurite
from local.host import child
from local.ports import free_port

APP = Path(__file__).parent / "sample_app"
PATIENCE = 90.0  # generous: a test that waits this long has failed
NEVER = "0 0 0 29 2 *"


def wait_until(happened: Callable[[], object], what: str) -> None:
    """Waits for a condition; fails the test after PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {what}"
        time.sleep(0.03)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def facts(self) -> dict[str, Any]:
        """The body of an answer in JSON."""
        facts: dict[str, Any] = json.loads(self.body)
        return facts

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)


def request(
    host: child.Host,
    method: str,
    path: str,
    body: bytes | Iterator[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Sends exactly this path to a host."""
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=PATIENCE)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        fields = [(name.lower(), value) for name, value in response.getheaders()]
        return Answer(response.status, fields, response.read())
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample app with its own storage: all its names contain `name`."""

    name: str
    folder: Path
    account: azurite.Account

    @property
    def log(self) -> str:
        """The log of all hosts."""
        return (self.folder / "host.log").read_text()

    @contextmanager
    def running(
        self, tick: str = NEVER, bindings: Path | None = None, **more: str
    ) -> Iterator[child.Host]:
        """Runs a host with the sample app; with `bindings` the host listens to HTTP only."""
        environment = {
            **os.environ,
            "AzureWebJobsStorage": self.account.connection_string,
            "AzureFunctionsWebHost__hostid": self.name,
            "LOCAL_HOST_SCAN_SECONDS": "0.1",
            "PREFIX": self.name,
            "QUEUE": self.name,
            "TICK": tick,
            "RECORD": str(self.folder / "record"),
            **more,
        }
        log = self.folder / "host.log"
        with child.running(APP, free_port(), environment, log=log, bindings=bindings) as host:
            yield host

    def calls(self, function: str, **facts: object) -> list[dict[str, Any]]:
        """The calls of a function so far that contain these facts."""
        record = self.folder / "record"
        lines = record.read_text().splitlines() if record.exists() else []
        calls = [json.loads(line) for line in lines]
        wanted = {"function": function, **facts}.items()
        return [call for call in calls if wanted <= call.items()]

    def wait_for_calls(self, count: int, function: str, **facts: object) -> list[dict[str, Any]]:
        """Waits until a function was called `count` times with these facts."""
        wait_until(
            lambda: len(self.calls(function, **facts)) >= count,
            f"{count} calls of {function} with {facts}; the log says:\n{self.log[-3000:]}",
        )
        return self.calls(function, **facts)

    def release(self) -> None:
        """Lets "slow" calls end."""
        (self.folder / "release").touch()

    def container(self, kind: str) -> ContainerClient:
        """A container of the app, which is created if it does not exist."""
        service = BlobServiceClient.from_connection_string(self.account.connection_string)
        container = service.get_container_client(f"{self.name}-{kind}")
        with suppress(ResourceExistsError):
            container.create_container()
        return container

    def queue(self, name: str | None = None) -> QueueClient:
        """A queue, which is created if it does not exist."""
        queue = QueueClient.from_connection_string(
            self.account.connection_string, name or self.name
        )
        with suppress(ResourceExistsError):
            queue.create_queue()
        return queue

    def send(self, text: str) -> None:
        """Puts a message into the queue that triggers the app."""
        self.queue().send_message(base64.b64encode(text.encode()).decode())

    def messages(self, queue: str) -> list[str]:
        """Reads, but does not remove, the messages in a queue."""
        try:
            peeked = self.queue(queue).peek_messages(max_messages=32)
        except ResourceNotFoundError:
            return []
        return [base64.b64decode(message.content).decode() for message in peeked]

    def trigger_queue(self) -> str:
        """The name of the host's own queue for blob triggers."""
        return f"azure-webjobs-blobtrigger-{self.name}"
