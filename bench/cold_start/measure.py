"""Measures how long a new instance takes to load the app and to answer its first calls.

`python -m bench.cold_start` runs this alone.
"""

import json
import os
import statistics
import subprocess
import sys

from bench.requests import data as requests_data
from bench.requests.data import Library
from bench.requests.services import environment
from bench.stack import Stack

_STARTS = 7
# The steps that the first user of an instance waits for. Their sum shows whether one step became
# faster only because another became slower.
_UNTIL_A_LINK = ("app", "first GET clip", "first access-url")


def run(stack: Stack, library: Library) -> None:
    print(f"\nCold start, ms: medians of {_STARTS} fresh processes with compiled modules\n")
    _import_time(stack)  # compiles the modules
    _print("import function_app", [_import_time(stack) for _ in range(_STARTS)])
    print("step by step, in a worker:")
    instances = [_instance(stack, library) for _ in range(_STARTS)]
    for step, name in {
        "worker": "the worker's own modules, azure.functions among them",
        "app": "import function_app on top of them",
        "first GET clip": "first GET clip: pydantic, driver, connection, keys",
        "second GET clip": "second GET clip",
        "first access-url": "first access-url: its handler, storage client",
        "second access-url": "second access-url",
    }.items():
        _print(f"  {name}", [instance[step] for instance in instances])
    _print(
        "import function_app, first GET clip, first access-url",
        [sum(instance[step] for step in _UNTIL_A_LINK) for instance in instances],
    )


def _import_time(stack: Stack) -> float:
    script = (
        "import time; began = time.perf_counter(); import function_app; "
        "print(time.perf_counter() - began)"
    )
    return float(_output(stack, "-c", script))


def _instance(stack: Stack, library: Library) -> dict[str, float]:
    token = stack.issuer.token(requests_data.SUBJECT)
    clip, other, *_ = (str(clip) for clip in library.clips)
    steps: dict[str, float] = json.loads(
        _output(stack, "-m", "bench.cold_start.once", token, clip, other)
    )
    return steps


def _output(stack: Stack, *arguments: str) -> bytes:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environment(stack)},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout


def _print(name: str, seconds: list[float]) -> None:
    print(f"{name:<60}{statistics.median(seconds) * 1e3:>8.0f}")
