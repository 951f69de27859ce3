"""A function of the app: one trigger, and outputs.

Reads the description of the worker library, replaces every %SETTING%, and refuses bindings that
this host does not emulate.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.host import settings
from local.host.protos import RpcFunctionMetadata

type Binding = Mapping[str, Any]

_TRIGGERS = {"httpTrigger", "blobTrigger", "queueTrigger", "timerTrigger"}
_OUTPUTS = {"http", "queue"}


@dataclass(frozen=True, slots=True)
class Function:
    """`id` is that of the worker library; this host ignores retry policies."""

    id: str
    name: str
    trigger: Binding
    outputs: tuple[Binding, ...]

    @property
    def kind(self) -> str:
        """The type of the trigger: httpTrigger, blobTrigger, queueTrigger or timerTrigger."""
        kind: str = self.trigger["type"]
        return kind

    @property
    def full_name(self) -> str:
        """The name of the function in messages, receipts and webhooks."""
        return f"Host.Functions.{self.name}"


def describe(metadata: RpcFunctionMetadata) -> Function:
    """The function behind the library's description; raises settings.SettingsError."""
    bindings = [_expanded(json.loads(raw)) for raw in metadata.raw_bindings]
    triggers = [binding for binding in bindings if binding["type"] in _TRIGGERS]
    outputs = [binding for binding in bindings if binding["type"] in _OUTPUTS]
    others = [b["type"] for b in bindings if b["type"] not in _TRIGGERS | _OUTPUTS]
    if others or len(triggers) != 1:
        raise settings.SettingsError(
            f"The function {metadata.name} has bindings that the local host does not emulate: "
            f"{', '.join(others) or 'it needs exactly one trigger'}"
        )
    return Function(metadata.function_id, metadata.name, triggers[0], tuple(outputs))


def _expanded(binding: dict[str, Any]) -> dict[str, Any]:
    return {
        key: settings.expand(value, os.environ) if isinstance(value, str) else value
        for key, value in binding.items()
    }
