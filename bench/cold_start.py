"""How long an instance takes from nothing: loading the app, and its first calls.

`python -m bench.cold_start` runs this alone.
"""

import http.client
import statistics
import subprocess
import sys
import time

from bench import requests_data
from bench import stack as stacks
from bench.requests_data import Library
from bench.requests_services import OURS, environment
from bench.stack import Stack
from local.ports import LOOPBACK

_STARTS = 7
_FIRST_CALLS = 3
# On Azure the worker has loaded these before it looks at the app.
_WORKER = "import azure.functions, azure_functions_runtime.handle_event"
_APP = "import function_app"


def run(stack: Stack, library: Library) -> None:
    print(f"\nCold start, ms: medians of {_STARTS} fresh processes with compiled modules\n")
    _loading(stack, "", _APP)  # compiles them
    for name, before, timed in (
        ("import function_app", "", _APP),
        ("import function_app in a worker that runs", _WORKER, _APP),
        ("what that worker has loaded by itself", "", _WORKER),
    ):
        _print(name, [_loading(stack, before, timed) for _ in range(_STARTS)])
    firsts = [_first_calls(stack, library) for _ in range(_FIRST_CALLS)]
    for name in firsts[0]:
        _print(name, [first[name] for first in firsts])


def _loading(stack: Stack, before: str, timed: str) -> float:
    """Seconds that a statement takes in a fresh process."""
    script = (
        f"import time\n{before}\nbegan = time.perf_counter()\n{timed}\n"
        "print(time.perf_counter() - began)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(stack),
        stdout=subprocess.PIPE,
        check=True,
    )
    return float(result.stdout)


def _first_calls(stack: Stack, library: Library) -> dict[str, float]:
    """Seconds for calls of an instance that nobody has called yet."""
    clip, other, *_ = library.clips
    headers = {"Authorization": f"Bearer {stack.issuer.token(requests_data.SUBJECT)}"}
    paths = {
        "first GET clip: keys, driver, connection": f"/api/clips/{clip}",
        "second GET clip": f"/api/clips/{other}",
        "first access-url: the storage client": f"/api/clips/{clip}/access-url",
    }
    times = {}
    with OURS.start(stack) as host:
        connection = http.client.HTTPConnection(LOOPBACK, host.port, timeout=60)
        for name, path in paths.items():
            began = time.perf_counter()
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            times[name] = time.perf_counter() - began
            assert answer.status == http.client.OK
        connection.close()
    return times


def _print(name: str, seconds: list[float]) -> None:
    print(f"{name:<44}{statistics.median(seconds) * 1e3:>8.0f}")


if __name__ == "__main__":
    with stacks.running() as running:
        run(running, requests_data.fill(running))
