"""Sends requests over open connections; each client waits for an answer before its next request.

Runs in a separate process and uses little CPU, which the measured service would lack.
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
    """Complete requests in sequence; each client begins at another position."""

    port: int
    requests: Sequence[str]
    clients: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`rate` is per second, `p50` and `p99` milliseconds, `answered` the number of answers."""

    rate: float
    p50: float
    p99: float
    answered: int


def run(load: Load, seconds: float, *, at_least: int) -> Result:
    """Sends the load for `seconds`, and longer until there are `at_least` answers."""
    process = subprocess.run(
        [sys.executable, "-m", "bench.requests.load", str(seconds), str(at_least)],
        input=json.dumps(asdict(load)).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return Result(**json.loads(process.stdout))


class _Client(asyncio.Protocol):
    """One connection; records the seconds that each answer took."""

    def __init__(self, requests: Sequence[bytes], first: int) -> None:
        self._requests = requests
        self._next = first
        self._head = bytearray()
        self._missing: int | None = None  # bytes of the answer; None before its head is complete
        self.times: list[float] = []
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
            self.times.append(time.perf_counter() - self._sent_at)
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
    """The length of the body; raises for a failure, which would count as a fast answer."""
    if not head.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"answered {head.decode()}")
    lines = head.lower().split(b"\r\n")
    return next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))


async def _measure(load: Load, seconds: float, at_least: int) -> Result:
    loop = asyncio.get_running_loop()
    failures: list[BaseException] = []
    loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
    requests = [request.encode() for request in load.requests]
    begun = time.perf_counter()
    clients = [await _connected(load, requests, number) for number in range(load.clients)]
    await asyncio.sleep(seconds)
    while sum(len(client.times) for client in clients) < at_least and not failures:  # noqa: ASYNC110 - an event for each answer would cost more
        await asyncio.sleep(0.01)
    lasted = time.perf_counter() - begun
    if failures:
        raise failures[0]
    if any(client.is_lost for client in clients):
        raise RuntimeError("the service closed a connection")
    for client in clients:
        client.close()
    times = sorted(took for client in clients for took in client.times)
    return Result(
        rate=len(times) / lasted,
        p50=times[len(times) // 2] * 1e3,
        p99=times[len(times) * 99 // 100] * 1e3,
        answered=len(times),
    )


async def _connected(load: Load, requests: Sequence[bytes], number: int) -> _Client:
    first = number * len(requests) // load.clients
    _, client = await asyncio.get_running_loop().create_connection(
        lambda: _Client(requests, first), LOOPBACK, load.port
    )
    return client


if __name__ == "__main__":
    work = _measure(Load(**json.load(sys.stdin)), float(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.write(json.dumps(asdict(uvloop.run(work))))
