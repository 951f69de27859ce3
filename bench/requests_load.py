"""Sends requests over kept connections, each client its next when the last is answered.

A process of its own, and cheap: what it takes of the machine the measured service lacks.
`python -m bench.requests_load` reads a Load from standard input, and prints a Result.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import cast

import uvloop

from local.ports import LOOPBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Whole requests, sent in turn; times in seconds. The warm-up goes once through all of them."""

    port: int
    requests: Sequence[str]
    clients: int
    warm_up: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`rate` a second, `p50` and `p99` in milliseconds; `answered` counts the warm-up too."""

    rate: float
    p50: float
    p99: float
    answered: int


def run(load: Load) -> Result:
    """The result of a load, sent by another process."""
    process = subprocess.run(
        [sys.executable, "-m", "bench.requests_load"],
        input=json.dumps(asdict(load)).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return Result(**json.loads(process.stdout))


class _Client(asyncio.Protocol):
    """One connection; notes when answers were complete and how long each took."""

    def __init__(self, requests: Sequence[bytes], first: int) -> None:
        self._requests = requests
        self._next = first
        self._head = bytearray()
        self._missing: int | None = None  # bytes of the answer; None before its head is complete
        self.seen: list[tuple[float, float]] = []
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class
        self._send()

    def data_received(self, data: bytes) -> None:
        if self._missing is None:
            self._head += data
            head, end, body = bytes(self._head).partition(b"\r\n\r\n")
            if not end:
                return
            self._missing = _length(head) - len(body)
            self._head.clear()
        else:
            self._missing -= len(data)
        if self._missing == 0:
            self._missing = None
            now = time.perf_counter()
            self.seen.append((now, now - self._sent_at))
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self.is_lost = True

    def close(self) -> None:
        self._transport.abort()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._requests[self._next % len(self._requests)])
        self._next += 1


def _length(head: bytes) -> int:
    """The length of the body; a server that fails must not look quick."""
    if not head.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"answered {head.decode()}")
    lines = head.lower().split(b"\r\n")
    return next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))


async def _measure(load: Load) -> Result:
    loop = asyncio.get_running_loop()
    failures: list[BaseException] = []
    loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
    requests = [request.encode() for request in load.requests]
    clients = []
    for number in range(load.clients):
        first = number * len(requests) // load.clients
        _, client = await loop.create_connection(
            lambda first=first: _Client(requests, first),  # type: ignore[misc] # mypy takes no default for what it is
            LOOPBACK,
            load.port,
        )
        clients.append(client)

    async def go_on(seconds: float, answers: int) -> None:
        """For so long, and for so many answers: slow ones take longer than the time there is."""
        enough = answers + sum(len(client.seen) for client in clients)
        await asyncio.sleep(seconds)
        while not failures and sum(len(client.seen) for client in clients) < enough:  # noqa: ASYNC110 - an event for each answer would cost more
            await asyncio.sleep(0.01)

    await go_on(load.warm_up, len(requests))
    begun = time.perf_counter()
    await go_on(load.seconds, 2 * load.clients)
    ended = time.perf_counter()
    if failures:
        raise failures[0]
    if any(client.is_lost for client in clients):
        raise RuntimeError("the service closed a connection")
    for client in clients:
        client.close()
    times = sorted(took for client in clients for at, took in client.seen if begun <= at < ended)
    return Result(
        rate=len(times) / (ended - begun),
        p50=times[len(times) // 2] * 1e3,
        p99=times[len(times) * 99 // 100] * 1e3,
        answered=sum(len(client.seen) for client in clients),
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(uvloop.run(_measure(Load(**json.load(sys.stdin)))))))
