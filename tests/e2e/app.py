"""The running app for its users: a base URL, tokens and a storage account."""

import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from local import azurite
from local.host import child
from local.issuer import Issuer
from local.ports import free_port
from shared.blob_names import is_sidecar

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0  # generous: a test that waits this long has failed
# For clients of servers on loopback: to load the usual authorities takes each of them 30 ms.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def wait_for[Value](attempt: Callable[[], Value | None], what: str) -> Value:
    """Repeats `attempt` until it returns a value; fails after PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        value = attempt()
        if value is not None:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {PATIENCE:.0f} s for {what}, without a result")


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One installation: its settings, and the host that serves it while `running`."""

    environment: Mapping[str, str]
    account: azurite.Account
    issuer: Issuer
    folder: Path
    port: int = field(default_factory=free_port)

    @contextmanager
    def running(self, lease_seconds: int = 600) -> Iterator[child.Host]:
        """Runs a host; a message of a killed host returns when its lease ends."""
        log = self.folder / "host.log"
        environment = {
            **self.host_environment,
            "LOCAL_HOST_LEASE_SECONDS": str(lease_seconds),
        }
        with child.running(ROOT, self.port, environment, log=log) as host:
            yield host

    @property
    def host_environment(self) -> Mapping[str, str]:
        """The environment of the host."""
        return {
            "PATH": os.environ["PATH"],
            "AzureWebJobsStorage": self.account.connection_string,
            "AzureFunctionsWebHost__hostid": self.prefix,
            "BLOB_TRIGGER_SOURCE": "LogsAndContainerScan",
            "CLEANUP_SCHEDULE": "0 0 0 29 2 *",  # by hand only
            "LOCAL_HOST_SCAN_SECONDS": "0.2",
            **self.environment,
        }

    @property
    def prefix(self) -> str:
        return self.environment["AZURE_STORAGE_CONTAINER_NAME"]

    @property
    def share(self) -> Path:
        """The folder below which migrations find files."""
        return Path(self.environment["MIGRATION_ROOT"])

    @property
    def log(self) -> str:
        return (self.folder / "host.log").read_text()

    def client(self, subject: str | None = "alice", roles: Sequence[str] = ()) -> httpx.Client:
        """An HTTP client of the API; without a subject it carries no token."""
        headers = {}
        if subject is not None:
            headers["Authorization"] = f"Bearer {self.issuer.token(subject, roles)}"
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}/api",
            headers=headers,
            timeout=PATIENCE,
            verify=NO_TLS,
        )

    def run_cleanup(self) -> None:
        """Runs the timer's function by hand, as an operator would, and waits for its report."""
        before = self.log.count("local.host: cleanup ")
        url = f"http://127.0.0.1:{self.port}/admin/functions/cleanup"
        assert httpx.post(url, json={"input": ""}).status_code == httpx.codes.ACCEPTED
        wait_for(
            lambda: True if self.log.count("local.host: cleanup ") > before else None, "cleanup"
        )

    def blobs(self) -> set[str]:
        """The names of all blobs except those of the bin and sidecars."""
        with BlobServiceClient.from_connection_string(self.account.connection_string) as client:
            return {
                f"{kind}/{name}"
                for kind in ("videos", "clips", "thumbnails", "temp")
                for name in client.get_container_client(f"{self.prefix}-{kind}").list_blob_names()
                if kind != "thumbnails" or not is_sidecar(name)
            }

    def put_blob(self, name: str, data: bytes) -> None:
        """Writes into the clips container without the API."""
        with BlobServiceClient.from_connection_string(self.account.connection_string) as client:
            blob = client.get_blob_client(f"{self.prefix}-clips", name)
            blob.upload_blob(data, overwrite=True)

    def poison(self) -> list[str]:
        """Reads, but does not remove, the poison messages."""
        with QueueClient.from_connection_string(
            self.account.connection_string, "webjobs-blobtrigger-poison"
        ) as queue:
            try:
                return [str(message.content) for message in queue.peek_messages(max_messages=32)]
            except ResourceNotFoundError:
                return []


@dataclass(frozen=True, slots=True)
class Caller:
    """A user of the API."""

    http: httpx.Client

    def video(self) -> str:
        answer = self.http.post("/videos", json={"title": "A video"})
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return str(answer.json()["id"])

    def announce(self, video_id: str, **fields: object) -> dict[str, Any]:
        body = {"start_time": 0, "end_time": 5, "filename": "clip.mp4"} | fields
        answer = self.http.post(f"/videos/{video_id}/clips", json=body)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        clip: dict[str, Any] = answer.json()
        return clip

    def send(self, clip: Mapping[str, Any], data: bytes) -> None:
        """Uploads with exactly the method, address and headers that the API gave."""
        upload = clip["upload"]
        answer = httpx.request(
            upload["method"],
            upload["url"],
            headers=upload["headers"],
            content=data,
            timeout=PATIENCE,
            verify=NO_TLS,
        )
        assert answer.status_code == httpx.codes.CREATED, answer.text

    def clip(self, clip_id: str) -> dict[str, Any]:
        answer = self.http.get(f"/clips/{clip_id}")
        assert answer.status_code == httpx.codes.OK, answer.text
        clip: dict[str, Any] = answer.json()
        return clip

    def settled(self, clip_id: str) -> dict[str, Any]:
        """The clip once it is ready or failed."""

        def look() -> dict[str, Any] | None:
            clip = self.clip(clip_id)
            return clip if clip["status"] in {"ready", "failed"} else None

        return wait_for(look, f"clip {clip_id} to settle")

    def uploaded(self, data: bytes, **fields: object) -> dict[str, Any]:
        """A new clip of a new video, uploaded and settled."""
        clip = self.announce(self.video(), **fields)
        self.send(clip, data)
        return self.settled(str(clip["id"]))
