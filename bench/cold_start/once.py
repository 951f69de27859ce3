"""Starts one instance in a separate process: see bench/cold_start.

python -m bench.cold_start.once TOKEN CLIP_ID CLIP_ID
"""

import json
import sys
import time
from collections.abc import Callable
from http import HTTPStatus
from types import SimpleNamespace


def main(token: str, clip: str, other: str) -> None:
    """Prints the seconds of each step as JSON: the worker's modules, the app's, its first calls."""
    steps: dict[str, float] = {}
    began = time.perf_counter()

    def done(step: str) -> None:
        nonlocal began
        steps[step] = time.perf_counter() - began
        began = time.perf_counter()

    import azure.functions as func
    import azure_functions_runtime.handle_event  # type: ignore[import-untyped]  # noqa: F401 - it has no types; imported to load it

    done("worker")
    import function_app

    done("app")
    functions: dict[str | None, Callable[..., func.HttpResponse]] = {
        function.get_function_name(): function.get_user_function()
        for function in function_app.app.get_functions()
    }

    def call(name: str, clip_id: str) -> None:
        request = func.HttpRequest(
            method="GET",
            url="http://localhost/api",
            headers={"Authorization": f"Bearer {token}"},
            route_params={"clip_id": clip_id},
            body=b"",
        )
        answer = functions[name](request, SimpleNamespace(invocation_id="bench"))
        assert answer.status_code == HTTPStatus.OK, answer.get_body()

    began = time.perf_counter()
    for name, shown in (("clips_get", "GET clip"), ("clips_access_url", "access-url")):
        call(name, clip)
        done(f"first {shown}")
        call(name, other)
        done(f"second {shown}")
    sys.stdout.write(json.dumps(steps))


if __name__ == "__main__":
    main(*sys.argv[1:])
