"""Owns a running copy from the command to Ctrl-C: starts, watches and stops all its processes.

Knows nothing of how a service is started (local.stack) or a function is called (local.host).
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from local import locks, ports, processes, stack, triggers
from local.host import child

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# In a row; the pause after each start is twice as long as the last.
_MOST_KILLED_STARTS = 4


class _Stop(BaseException):
    """This program was asked to end."""


def run(port: int, app: Path, trigger_program: Path | None = None) -> int:
    """Runs everything and serves `app` on `port` until asked to stop; returns the exit code.

    With a `trigger_program` (see local.triggers), that program listens to the triggers.
    """
    try:
        listener = ports.listening(port)
    except OSError:
        print(
            f"Port {port} is taken: stop what listens there, or choose another one "
            f"with PORT=<number> make run",
            file=sys.stderr,
        )
        return 1
    with listener:
        return _until_stopped(lambda: _serve_functions(listener, app, trigger_program))


def services(port: int) -> int:
    """Runs everything but the functions until asked to stop; returns the exit code."""
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
        signal.signal(number, signal.SIG_IGN)  # a second signal must not interrupt the stop
    raise _Stop


def _serve_functions(listener: socket.socket, app: Path, trigger_program: Path | None) -> None:
    port: int = listener.getsockname()[1]
    with stack.running(stack.data_folder(port), os.environ) as services:
        _announce(services)
        setup = None
        if trigger_program is not None:
            setup = _trigger_setup(trigger_program, port, app, services)
        killed_starts = 0
        while killed_starts < _MOST_KILLED_STARTS:
            was_ready = _serve_until_killed(listener, app, services, setup)
            killed_starts = 0 if was_ready else killed_starts + 1
            # The platform also restarts a worker that crashed or ran out of memory.
            print("The functions host was killed: starting it again", flush=True)
            time.sleep(0 if was_ready else 2 ** (killed_starts - 1))
        raise processes.ChildFailed(
            f"The functions host was killed {killed_starts} times before it was ready"
        )


def _serve_until_killed(
    listener: socket.socket,
    app: Path,
    services: stack.Services,
    setup: triggers.Setup | None,
) -> bool:
    """Serves until a signal kills the host; returns whether the host was ready before.

    Raises processes.ChildFailed if the host ends in another way, or if a service ends.
    """
    bindings = None if setup is None else setup.bindings
    port: int = listener.getsockname()[1]
    host = child.start(app, port, services.settings, bindings=bindings, listener=listener)
    was_ready = False
    try:
        host.wait_until_answering("/api/health")
        was_ready = True
        if setup is None:
            print(f"Cliplink is ready: http://localhost:{port}", flush=True)
            _watch(services.children, until=(host.child,))
        else:
            _watch_with_triggers(setup, port, services.children, host.child)
    except processes.ChildFailed:
        if was_ready or not _was_killed(host.child):
            raise
    finally:
        host.child.stop()
    if not _was_killed(host.child):
        raise _ended(host.child)
    return was_ready


def _watch_with_triggers(
    setup: triggers.Setup, port: int, children: Sequence[processes.Child], host: processes.Child
) -> None:
    """Runs the trigger program beside the host, and restarts it when it ends, as Azure does."""
    while not host.has_ended():
        with triggers.running(setup) as program:
            print(f"Triggers: {setup.program}, webhook {setup.webhook_url}")
            print(f"Cliplink is ready: http://localhost:{port}", flush=True)
            _watch(children, until=(host, program))
        if not host.has_ended():
            print(f"The triggers have ended: starting them again; see {setup.log}", flush=True)


def _trigger_setup(program: Path, port: int, app: Path, services: stack.Services) -> triggers.Setup:
    home = stack.data_folder(port)
    return triggers.Setup(
        program=program,
        bindings=home / "functions.json",
        host_json=app / "host.json",
        functions_port=port,
        webhook_port=ports.free_port(),
        environment={"AzureFunctionsWebHost__hostid": "local", **services.settings},
        log=home / "triggers.log",
    )


def _was_killed(host: processes.Child) -> bool:
    return host.has_ended() and host.process.returncode < 0


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


def _watch(children: Sequence[processes.Child], *, until: Sequence[processes.Child] = ()) -> None:
    """Returns when one of `until` has ended; raises ChildFailed when one of `children` has."""
    while not any(program.has_ended() for program in until):
        for program in children:
            if program.has_ended():
                raise _ended(program)
        time.sleep(0.2)


def _ended(program: processes.Child) -> processes.ChildFailed:
    return program.failure(f"ended unexpectedly, exit code {program.process.returncode}")
