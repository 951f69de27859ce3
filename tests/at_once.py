"""Makes a call in several threads at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def at_once[Value](count: int, call: Callable[[], Value]) -> list[Value]:
    """The results of `count` calls, each in a thread; raises what a call raises."""
    start = threading.Barrier(count)

    def call_together(_: int) -> Value:
        start.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(call_together, range(count)))
