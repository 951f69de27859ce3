"""Owns a running copy from the command to Ctrl-C: starts it all, watches it, stops it all.

Knows nothing of how a service is started (local.stack) or a function is called (local.host).
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from local import locks, ports, processes, stack
from local.host import child

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stop(BaseException):
    """Somebody asked this program to end."""


def run(port: int, app: Path) -> int:
    """Run everything and serve `app` on `port` until asked to stop; returns the exit code."""
    if not ports.is_free(port):
        print(
            f"Port {port} is taken: stop what listens there, or choose another one "
            f"with PORT=<number> make run",
            file=sys.stderr,
        )
        return 1
    return _until_stopped(lambda: _serve_functions(port, app))


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


def _serve_functions(port: int, app: Path) -> None:
    with stack.running(stack.data_folder(port), os.environ) as services:
        _announce(services)
        while True:
            _serve_until_killed(port, app, services)
            # As the platform does with a worker that crashed or ran out of memory.
            print("The functions host was killed: starting it again", flush=True)


def _serve_until_killed(port: int, app: Path, services: stack.Services) -> None:
    """Return when a signal killed the host after it was ready; raises ChildFailed for the rest."""
    host = child.start(app, port, services.settings)
    try:
        host.wait_until_answering("/api/health")
        print(f"Cliplink is ready: http://localhost:{port}", flush=True)
        _watch(services.children, until=host.child)
    finally:
        host.child.stop()
    if host.child.process.returncode >= 0:
        raise _ended(host.child)


def _serve_services(port: int) -> None:
    with stack.running(stack.data_folder(port), os.environ) as services:
        _announce(services)
        print(
            "The services are ready for `func start` (see local.settings.json.example)", flush=True
        )
        _watch(services.children, until=None)


def _announce(services: stack.Services) -> None:
    print(f"Postgres: {services.database_url}")
    print(f"Azurite:  {services.account.blob_endpoint}")
    print(f"          {services.account.connection_string}")
    print(f"Issuer:   {services.jwks_url}", flush=True)


def _watch(children: Sequence[processes.Child], *, until: processes.Child | None) -> None:
    """Return when `until` has ended; raises processes.ChildFailed when one of `children` has."""
    while until is None or not until.has_ended():
        for one in children:
            if one.has_ended():
                raise _ended(one)
        time.sleep(0.2)


def _ended(one: processes.Child) -> processes.ChildFailed:
    return one.failure(f"ended by itself, exit code {one.process.returncode}")
