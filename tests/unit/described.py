"""The functions and the OpenAPI document of the app, read in a separate process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.settings import COMPLETE

ROOT = Path(__file__).parents[2]

_DESCRIBE = """
import json, sys
import function_app
modules = [f"clips.http.openapi.{name}" for name in ("document", "schemas", "page")]
late = [name for name in modules if name in sys.modules]
description = function_app.description
functions = {}
for function in function_app.app.get_functions():
    trigger = function.get_trigger().get_dict_repr()
    if trigger["type"] == "httpTrigger":
        methods = [getattr(method, "name", method) for method in trigger.get("methods", [])]
        functions[function.get_function_name()] = [methods, trigger["route"]]
print(json.dumps({
    "loaded_at_start": late,
    "functions": functions,
    "open": [route.name for route in function_app.routes.described if route.is_public],
    "document": json.loads(description.json),
}))
"""


@dataclass(frozen=True)
class Described:
    """The app's HTTP functions as (methods, route) by name, and its OpenAPI document."""

    loaded_at_start: list[str]
    functions: dict[str, tuple[list[str], str]]
    open: list[str]
    document: dict[str, Any]

    @property
    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Each with its method and path."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation


@cache
def describe() -> Described:
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", _DESCRIBE],
        cwd=ROOT,
        env=COMPLETE | {"PATH": os.environ["PATH"]},
        check=True,
        capture_output=True,
        text=True,
    )
    return Described(**json.loads(answer.stdout))
