"""Starts and stops the services that bench/requests measures."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.stack import Stack
from local import processes
from local.host import child
from local.ports import free_port

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Service:
    """`name` is for the tables; `start` runs the service in a separate process."""

    name: str
    start: Callable[[Stack], AbstractContextManager[child.Host]]


@contextmanager
def _cliplink(stack: Stack) -> Iterator[child.Host]:
    """The app on the host that `make run` starts.

    As on Azure, new blobs are announced by events, and no scan of the containers runs.
    """
    settings = environment(stack) | {
        "AzureWebJobsStorage": stack.direct_connection_string,
        "BLOB_TRIGGER_SOURCE": "EventGrid",
        "CLEANUP_SCHEDULE": "0 0 0 29 2 *",  # not during a measurement
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        child.running(_ROOT, free_port(), settings, log=Path(folder) / "host.log") as host,
    ):
        yield host


@contextmanager
def _as_usually_written(stack: Stack) -> Iterator[child.Host]:
    """`bench.fastapi_app` on one uvicorn worker, with uvloop and httptools, without access log."""
    port = free_port()
    command = ["-m", "uvicorn", "bench.fastapi_app.main:app", "--port", str(port)]
    with tempfile.TemporaryDirectory() as folder:
        process = processes.start(
            "uvicorn",
            [sys.executable, *command, "--no-access-log", "--log-level", "warning"],
            environment=environment(stack),
            folder=_ROOT,
            log=Path(folder) / "uvicorn.log",
        )
        host = child.Host(port, process)
        try:
            host.wait_until_answering("/openapi.json")
            yield host
        finally:
            process.stop()


def environment(stack: Stack) -> dict[str, str]:
    """The settings of a service that reaches storage directly, without the slow proxy."""
    direct = {"AZURE_STORAGE_CONNECTION_STRING": stack.direct_connection_string}
    return {"PATH": os.environ["PATH"], **stack.environment, **direct}


CLIPLINK = Service("Cliplink", _cliplink)
USUAL = Service("FastAPI", _as_usually_written)
