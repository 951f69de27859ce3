"""Measures only the SQL of bench/requests, in a loop over a pool of connections.

The statements of the app with bound parameters, prepared, rows as binary tuples. In a separate
process, `python -m bench.requests.floor` reads a pickled Loop from standard input, prints a rate.
"""

import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg_pool import ConnectionPool


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A statement and the parameters of its calls in sequence; times in seconds."""

    url: str
    statement: str
    parameters: Sequence[Mapping[str, Any]]
    clients: int
    warm_up: float
    seconds: float


def run(loop: Loop) -> float:
    """Calls per second, measured in another process."""
    process = subprocess.run(
        [sys.executable, "-m", "bench.requests.floor"],
        input=pickle.dumps(loop),
        stdout=subprocess.PIPE,
        check=True,
    )
    return float(process.stdout)


def _measure(loop: Loop) -> float:
    counts = [0] * loop.clients
    stop = threading.Event()

    def client(number: int) -> None:
        turn = number * len(loop.parameters) // loop.clients
        while not stop.is_set():
            parameters = loop.parameters[turn % len(loop.parameters)]
            with pool.connection() as connection, connection.cursor(binary=True) as cursor:
                cursor.execute(loop.statement.encode(), parameters, prepare=True).fetchall()
            counts[number] += 1
            turn += 1

    with ConnectionPool(loop.url, kwargs={"autocommit": True}, min_size=4, max_size=4) as pool:
        pool.wait()
        threads = [threading.Thread(target=client, args=(n,)) for n in range(loop.clients)]
        for thread in threads:
            thread.start()
        time.sleep(loop.warm_up)
        begun, before = time.perf_counter(), sum(counts)
        time.sleep(loop.seconds)
        rate = (sum(counts) - before) / (time.perf_counter() - begun)
        stop.set()
        for thread in threads:
            thread.join()
    return rate


if __name__ == "__main__":
    sys.stdout.write(str(_measure(pickle.load(sys.stdin.buffer))))
