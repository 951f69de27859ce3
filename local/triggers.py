"""Owns a program that listens to triggers and calls the functions of a host over HTTP.

Such a program contains Microsoft's own trigger code, and is started as

    PROGRAM BINDINGS.json HOST.json CALL_URL WEBHOOK_PORT

It prints a line when it listens, and when it is asked to stop, it waits for running calls to end.
This module knows nothing of what the functions do; the host's part is local.host.external_triggers.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local import ports, processes

_READY = b"triggers are listening"


@dataclass(frozen=True, slots=True)
class Setup:
    """The arguments of a program; Event Grid delivers events to `webhook_port`."""

    program: Path
    bindings: Path
    host_json: Path
    functions_port: int
    webhook_port: int
    environment: Mapping[str, str]
    log: Path

    @property
    def webhook_url(self) -> str:
        """The address for Event Grid, without the name of the function."""
        return f"http://{ports.LOOPBACK}:{self.webhook_port}/runtime/webhooks/blobs"

    def start(self) -> processes.Child:
        """Starts the program and waits until it listens; raises processes.ChildFailed."""
        seen = self.log.stat().st_size if self.log.exists() else 0
        child = processes.start(
            "The triggers",
            [
                str(self.program),
                str(self.bindings),
                str(self.host_json),
                f"http://{ports.LOOPBACK}:{self.functions_port}/admin/calls",
                str(self.webhook_port),
            ],
            environment=self.environment,
            log=self.log,
        )
        try:
            child.wait_until(lambda: _READY in self.log.read_bytes()[seen:], timeout=60)
        except BaseException:
            child.stop()
            raise
        return child


@contextmanager
def running(setup: Setup) -> Iterator[processes.Child]:
    """Runs the program until the block ends; raises processes.ChildFailed."""
    child = setup.start()
    try:
        yield child
    finally:
        child.stop()
