"""Owns the calls to Microsoft's worker library, in the form of its proxy.

Loads a function app and calls its functions. Knows nothing of triggers: the caller provides the
arguments. The library keeps its state in globals, so a process can load only one app.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

from azure_functions_runtime import handle_event  # type: ignore[import-untyped]  # it has no types
from azure_functions_runtime.utils import threadpool  # type: ignore[import-untyped]  # it has no types

from local.host import protos
from local.host.protos import ParameterBinding, TypedData

_TRACE = SimpleNamespace(trace_parent="", trace_state="", attributes={})
_NO_RETRIES = SimpleNamespace(retry_count=0, max_retry_count=0, exception=None)


class AppNotLoaded(Exception):
    """The app could not be indexed; the message says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a call: `error` is None, or the failure with its trace."""

    error: str | None
    return_value: TypedData | None = None
    outputs: Mapping[str, TypedData] = field(default_factory=dict)


async def load(app: Path) -> list[protos.RpcFunctionMetadata]:
    """Imports the app's function_app.py and lists its functions; raises AppNotLoaded."""
    if not (app / "function_app.py").is_file():
        raise AppNotLoaded(f"{app} holds no function_app.py")
    sys.path.insert(0, str(app))
    threadpool.start_threadpool_executor()
    init = SimpleNamespace(capabilities={}, function_app_directory=str(app))
    properties = {"host": "127.0.0.1", "protos": protos}
    _check(
        await handle_event.worker_init_request(
            _envelope(worker_init_request=init, properties=properties)
        )
    )
    metadata = await handle_event.functions_metadata_request(None)
    functions: list[protos.RpcFunctionMetadata] = metadata.function_metadata_results or []
    for function in functions:
        load_request = SimpleNamespace(function_id=function.function_id)
        _check(
            await handle_event.function_load_request(_envelope(function_load_request=load_request))
        )
    return functions


async def invoke(
    function_id: str,
    arguments: Sequence[ParameterBinding],
    metadata: Mapping[str, TypedData],
) -> Outcome:
    """Calls a function; an exception is in the outcome."""
    call = SimpleNamespace(
        invocation_id=str(uuid4()),
        function_id=function_id,
        input_data=arguments,
        trigger_metadata=metadata,
        trace_context=_TRACE,
        retry_context=_NO_RETRIES,
    )
    response: protos.InvocationResponse = await handle_event.invocation_request(
        _envelope(invocation_request=call)
    )
    if (failure := response.result.exception) is not None:
        return Outcome(failure.stack_trace or failure.message)
    outputs = {output.name: output.data for output in response.output_data}
    return Outcome(None, response.return_value, outputs)


def _envelope(properties: Mapping[str, object] | None = None, **request: object) -> SimpleNamespace:
    """Wraps a request as the proxy does."""
    return SimpleNamespace(request=SimpleNamespace(**request), properties=properties)


def _check(response: protos.WorkerInitResponse | protos.FunctionLoadResponse) -> None:
    failure = response.result.exception
    if failure is not None:
        raise AppNotLoaded(failure.stack_trace or failure.message)
