"""Owns one call of a function from its arguments to its outputs, and its log line.

Knows nothing of the trigger of the call, nor how the worker runs it.
"""

import logging
import time
from collections.abc import Mapping
from typing import Protocol

from local.host import worker
from local.host.functions import Binding, Function
from local.host.protos import ParameterBinding, TypedData
from local.host.worker import Outcome

_log = logging.getLogger("local.host")


class Output(Protocol):
    """Receives the values of a function's output bindings."""

    async def deliver(self, binding: Binding, value: TypedData) -> None:
        """Writes one value; may raise anything, which fails the call."""


class Caller:
    """Calls functions, and passes their outputs to `queues`."""

    def __init__(self, queues: Output) -> None:
        self._queues = queues

    async def call(
        self, function: Function, argument: TypedData, metadata: Mapping[str, TypedData]
    ) -> Outcome:
        """Calls a function with the value of its trigger; an output that fails fails the call."""
        trigger = ParameterBinding(function.trigger["name"], argument)
        outcome = await worker.invoke(function.id, [trigger], metadata)
        if outcome.error is None and function.outputs:
            try:
                await self._deliver(function, outcome)
            except Exception as error:  # noqa: BLE001 - any exception means that the call has failed
                _log.exception("%s: an output could not be written", function.name)
                return Outcome(repr(error))
        if outcome.error is not None:
            _log.error("%s raised:\n%s", function.name, outcome.error.rstrip())
        return outcome

    async def run(
        self,
        function: Function,
        subject: str,
        argument: TypedData,
        metadata: Mapping[str, TypedData],
    ) -> bool:
        """Calls a function that is not an HTTP function; returns, and logs, whether it succeeded.

        `subject` names the blob or the message for the log, or is empty.
        """
        started = time.monotonic()
        outcome = await self.call(function, argument, metadata)
        verdict = "ok" if outcome.error is None else "failed"
        elapsed = (time.monotonic() - started) * 1000
        _log.info("%s %s in %.0f ms: %s", function.name, verdict, elapsed, subject or "-")
        return outcome.error is None

    async def _deliver(self, function: Function, outcome: Outcome) -> None:
        for binding in function.outputs:
            if binding["type"] != "queue":
                continue
            name = binding["name"]
            value = outcome.return_value if name == "$return" else outcome.outputs.get(name)
            if value is not None:
                await self._queues.deliver(binding, value)
