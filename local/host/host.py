"""Composes the host: loads an app and serves it with all its triggers."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from pathlib import Path

import uvicorn

from local import ports
from local.host import external_triggers, functions, metrics, settings, worker
from local.host.blob_trigger import BlobTriggers
from local.host.calls import Caller
from local.host.cors import Cors
from local.host.external_triggers import ExternalCalls
from local.host.functions import Function
from local.host.http_app import HttpApp
from local.host.management import Management
from local.host.queue_trigger import QueueOutputs, QueueTrigger
from local.host.timers import TimerTrigger

_log = logging.getLogger("local.host")


class _Server(uvicorn.Server):
    """A server that does not handle signals: `serve` does."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    app: Path, port: int, bindings: Path | None = None, listener: int | None = None
) -> None:
    """Loads the app and serves it until SIGTERM or SIGINT.

    `listener` is the descriptor of a socket that listens on `port` already.
    With `bindings` it listens to HTTP only, and writes the bindings of all other functions to that
    file for a program that calls them (see local.host.external_triggers).

    Raises worker.AppNotLoaded, settings.SettingsError, routes.BadTemplate,
    ncrontab.BadExpression, and OSError if the port is in use.
    """
    host_settings = settings.load(app)
    metrics.collect()
    stopping = _stopping_event()  # before the app, which may add signal handlers
    indexed = await worker.load(app)
    known = [functions.describe(metadata) for metadata in indexed]
    caller = Caller(outputs := QueueOutputs(host_settings.queues))
    blobs = BlobTriggers(_of_kind(known, "blobTrigger"), host_settings, caller)
    timers = _timers(known, host_settings.host_id, caller)
    queue_triggers = [
        QueueTrigger(function, host_settings, caller, outputs)
        for function in _of_kind(known, "queueTrigger")
    ]
    external = None if bindings is None else ExternalCalls(known, caller, blobs)
    http = HttpApp(
        _of_kind(known, "httpTrigger"),
        host_settings.route_prefix,
        caller,
        Cors(host_settings.cors_origins),
        Management(known, host_settings.host_id, caller, blobs, timers, external),
    )
    background: list[Awaitable[None]] = []
    if bindings is None:
        background = [*blobs.tasks(), *_tasks(queue_triggers, timers.values())]
    else:
        external_triggers.write_bindings(bindings, indexed)
    _log.info("Functions: %s", ", ".join(function.name for function in known))
    sockets = _listen(port, listener)
    await _run(http, sockets, background, stopping, host_settings.stop_timeout)


def _timers(known: Sequence[Function], host_id: str, caller: Caller) -> dict[str, TimerTrigger]:
    return {
        function.name: TimerTrigger(function, host_id, caller)
        for function in _of_kind(known, "timerTrigger")
    }


def _tasks(
    queue_triggers: Iterable[QueueTrigger], timers: Iterable[TimerTrigger]
) -> Iterator[Awaitable[None]]:
    yield from (trigger.task() for trigger in queue_triggers)
    yield from (timer.run() for timer in timers)


def _of_kind(known: Sequence[Function], kind: str) -> list[Function]:
    return [function for function in known if function.kind == kind]


async def _run(
    http: HttpApp,
    sockets: list[socket.socket],
    background: list[Awaitable[None]],
    stopping: asyncio.Event,
    stop_timeout: float,
) -> None:
    config = uvicorn.Config(
        http,
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        proxy_headers=False,  # no function reads the caller's address
        server_header=False,
        date_header=True,
        timeout_keep_alive=130,  # the default of Kestrel
        timeout_graceful_shutdown=round(stop_timeout),
    )
    server = _Server(config)
    tasks = [asyncio.ensure_future(task) for task in background]
    for task in tasks:
        task.add_done_callback(_report_death)
    serving = asyncio.create_task(server.serve(sockets=sockets))
    await stopping.wait()
    server.should_exit = True
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await serving


def _stopping_event() -> asyncio.Event:
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, event.set)
    return event


def _report_death(task: asyncio.Future[None]) -> None:
    """Ends the host when a listener fails: otherwise its trigger would do nothing."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.critical("A trigger stopped working", exc_info=error)
        os._exit(os.EX_SOFTWARE)


def _listen(port: int, listener: int | None) -> list[socket.socket]:
    """Listens on both loopback addresses, so that `localhost` works however it resolves."""
    first = ports.listening(port) if listener is None else socket.socket(fileno=listener)
    sockets = [first]
    with contextlib.suppress(OSError):  # a machine without IPv6
        sockets.append(ports.listening(port, "::1", socket.AF_INET6))
    return sockets
