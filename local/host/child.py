"""Owns the host as a child process of the supervisor, a test or a benchmark."""

import http.client
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local import ports, processes

_ANSWER_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Host:
    """A host that was started."""

    port: int
    child: processes.Child

    @property
    def url(self) -> str:
        return f"http://{ports.LOOPBACK}:{self.port}"

    def wait_until_answering(self, path: str, timeout: float = 90) -> None:
        """Waits until GET `path` is answered with 200; raises processes.ChildFailed."""
        self.child.wait_until(lambda: self._answers(path), timeout)

    def _answers(self, path: str) -> bool:
        connection = http.client.HTTPConnection(ports.LOOPBACK, self.port, timeout=_ANSWER_TIMEOUT)
        latest = time.monotonic() + _ANSWER_TIMEOUT
        try:
            connection.request("GET", path)
            # An open listener accepts requests even after its host was killed.
            while not select.select([connection.sock], [], [], 0.1)[0]:
                if self.child.has_ended() or time.monotonic() > latest:
                    return False
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def start(
    app: Path,
    port: int,
    environment: Mapping[str, str],
    *,
    log: Path | None = None,
    bindings: Path | None = None,
    listener: socket.socket | None = None,
) -> Host:
    """Starts a host without waiting for it; it writes to `log`, or else to the terminal.

    With `bindings` it listens to HTTP only (see local.host.external_triggers). A `listener` on the
    port that stays open lets requests wait while the host restarts.
    """
    command = [sys.executable, "-m", "local.host", "--app", str(app), "--port", str(port)]
    if bindings is not None:
        command += ["--bindings", str(bindings)]
    if listener is not None:
        command += ["--listener", str(listener.fileno())]
    child = processes.start(
        "The functions host",
        command,
        inherit=() if listener is None else (listener.fileno(),),
        environment=environment,
        folder=Path(__file__).resolve().parents[2],
        log=log,
        orphan_signal=signal.SIGKILL,
    )
    return Host(port, child)


@contextmanager
def running(
    app: Path,
    port: int,
    environment: Mapping[str, str],
    *,
    log: Path | None = None,
    bindings: Path | None = None,
    listener: socket.socket | None = None,
) -> Iterator[Host]:
    """Runs a host that serves `app` until the block ends; raises ChildFailed. See `start`."""
    host = start(app, port, environment, log=log, bindings=bindings, listener=listener)
    try:
        host.wait_until_answering("/admin/host/status")
        yield host
    finally:
        host.child.stop()
