"""Owns an Azurite process: blob and queue storage on loopback, under its well-known account.

Knows nothing of containers and their contents. Azurite always starts a table service too, which
gets a random port that is not used.
"""

import http.client
import os
import shutil
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local import locks, processes
from local.ports import LOOPBACK

ACCOUNT = "devstoreaccount1"
# Published by Microsoft with every version of the emulator: no secret.
ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
_SCRIPT = Path(__file__).parent / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files for HTTPS: the server's certificate with its key, and the authority to trust."""

    cert: Path
    key: Path
    authority: Path


@dataclass(frozen=True, slots=True)
class Account:
    """A running emulator's storage account."""

    blob_port: int
    queue_port: int
    certificate: Certificate | None
    child: processes.Child

    name = ACCOUNT
    key = ACCOUNT_KEY

    @property
    def blob_endpoint(self) -> str:
        return f"{self._scheme}://{LOOPBACK}:{self.blob_port}/{ACCOUNT}"

    @property
    def queue_endpoint(self) -> str:
        return f"{self._scheme}://{LOOPBACK}:{self.queue_port}/{ACCOUNT}"

    @property
    def connection_string(self) -> str:
        return (
            f"DefaultEndpointsProtocol={self._scheme};AccountName={ACCOUNT};"
            f"AccountKey={ACCOUNT_KEY};BlobEndpoint={self.blob_endpoint};"
            f"QueueEndpoint={self.queue_endpoint};"
        )

    @property
    def _scheme(self) -> str:
        return "http" if self.certificate is None else "https"

    def wait_until_ready(self) -> None:
        """Waits until both services answer."""
        for port in (self.blob_port, self.queue_port):
            self.child.wait_until(partial(self._answers, port), timeout=60)

    def _answers(self, port: int) -> bool:
        connection = self._connect(port)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status > 0
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _connect(self, port: int) -> http.client.HTTPConnection:
        if self.certificate is None:
            return http.client.HTTPConnection(LOOPBACK, port, timeout=5)
        trust = ssl.create_default_context(cafile=self.certificate.authority)
        return http.client.HTTPSConnection(LOOPBACK, port, timeout=5, context=trust)


@contextmanager
def running(
    directory: Path,
    *,
    blob_port: int,
    queue_port: int,
    certificate: Certificate | None = None,
    in_memory: bool = False,
) -> Iterator[Account]:
    """Runs an emulator with its data in `directory` until the block ends; raises ChildFailed.

    With a `certificate` it uses HTTPS and accepts bearer tokens. With `in_memory` the
    directory holds its log only.
    """
    with locks.hold(directory) as lock:
        account = start(
            directory,
            blob_port=blob_port,
            queue_port=queue_port,
            certificate=certificate,
            in_memory=in_memory,
            lock=lock,
        )
        try:
            account.wait_until_ready()
            yield account
        finally:
            account.child.stop()


def start(
    directory: Path,
    *,
    blob_port: int,
    queue_port: int,
    lock: int,
    certificate: Certificate | None = None,
    in_memory: bool = False,
) -> Account:
    """Starts an emulator without waiting for it. `lock` is held on `directory`."""
    node = shutil.which("node")
    if node is None:
        raise FileNotFoundError("Azurite needs node, which is not on the PATH")
    directory.mkdir(parents=True, exist_ok=True)
    command = [node, str(_SCRIPT), "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    command += ["--blobHost", LOOPBACK, "--blobPort", str(blob_port)]
    command += ["--queueHost", LOOPBACK, "--queuePort", str(queue_port)]
    command += ["--tableHost", LOOPBACK, "--tablePort", "0"]
    command += ["--inMemoryPersistence"] if in_memory else ["--location", str(directory)]
    environment = dict(os.environ)
    if certificate is not None:
        command += ["--oauth", "basic", "--cert", str(certificate.cert)]
        command += ["--key", str(certificate.key)]
        # To copy a blob, Azurite sends a request to itself.
        environment["NODE_EXTRA_CA_CERTS"] = str(certificate.authority)
    child = processes.start(
        "Azurite",
        command,
        log=directory.with_suffix(".log"),
        environment=environment,
        folder=directory,
        inherit=[lock],
    )
    return Account(blob_port, queue_port, certificate, child)
