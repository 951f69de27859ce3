"""Owns a running copy from the command to Ctrl-C: starts it all, watches it, stops it all.

Knows nothing of how a service is started (local.stack) or a function is called (local.host).
"""

import http.client
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

from local import locks, ports, processes, stack

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stop(BaseException):
    """Somebody asked this program to end."""


def run(port: int) -> int:
    """Run everything and serve on `port` until asked to stop; returns the exit code."""
    if not ports.is_free(port):
        print(
            f"Port {port} is taken: stop what listens there, or choose another one "
            f"with PORT=<number> make run",
            file=sys.stderr,
        )
        return 1
    return _until_stopped(lambda: _serve_functions(port))


def services(port: int) -> int:
    """Run everything but the functions until asked to stop; returns the exit code."""
    return _until_stopped(lambda: _serve_services(port))


def _until_stopped(serve: Callable[[], None]) -> int:
    for number in _STOP_SIGNALS:
        signal.signal(number, _stop)
    try:
        serve()
    except _Stop:
        return 0
    except (processes.ChildFailed, locks.FolderInUse, FileNotFoundError) as problem:
        print(f"\nCliplink stopped: {problem}", file=sys.stderr)
        return 1
    return 0


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # it is stopping already: nothing may cut that short
    raise _Stop


def _serve_functions(port: int) -> None:
    with stack.running(stack.data_folder(port), os.environ) as services:
        host = processes.start(
            "The functions host",
            [sys.executable, "-m", "local.host", "--app", str(stack.PROJECT), "--port", str(port)],
            environment=services.settings,
            folder=stack.PROJECT,
            orphan_signal=signal.SIGKILL,
        )
        try:
            _announce(services)
            host.wait_until(lambda: _is_healthy(port), patience=90)
            print(f"Cliplink is ready: http://localhost:{port}", flush=True)
            _watch([*services.children, host])
        finally:
            host.stop()


def _serve_services(port: int) -> None:
    with stack.running(stack.data_folder(port), os.environ) as services:
        _announce(services)
        print(
            "The services are ready for `func start` (see local.settings.json.example)", flush=True
        )
        _watch(services.children)


def _announce(services: stack.Services) -> None:
    print(f"Postgres: {services.database_url}")
    print(f"Azurite:  {services.account.blob_endpoint}")
    print(f"          {services.account.connection_string}")
    print(f"Issuer:   {services.jwks_url}", flush=True)


def _watch(children: Sequence[processes.Child]) -> None:
    """Return never: until a signal, or until a child ends by itself (processes.ChildFailed)."""
    while True:
        for child in children:
            if child.has_ended():
                raise child.failure(f"ended by itself, exit code {child.process.returncode}")
        time.sleep(0.2)


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=10)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
