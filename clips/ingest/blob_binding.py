"""The binding of the blob trigger: the host passes the name of a blob, and none of its content.

The host sends a reference instead of the bytes where the type of the parameter asks for one.
Microsoft's types turn it into a client with a credential of its own, at every call, and load
the storage library when the app starts. The name alone needs neither.
"""

import json
from typing import Any

from azurefunctions.extensions.base import Datum, InConverter, SdkType


class BlobName(SdkType):  # type: ignore[misc]  # the library has no types
    """The name of a blob in the container that the trigger watches."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Converter(InConverter, binding="blob", trigger="blobTrigger"):  # type: ignore[call-arg, misc]  # as above
    """Registers itself with the worker by being defined; there can be one for each trigger."""

    @classmethod
    def check_input_type_annotation(cls, pytype: type) -> bool:
        return issubclass(pytype, BlobName)

    @classmethod
    def decode(cls, data: Datum, *, trigger_metadata: Any, pytype: type) -> BlobName:  # noqa: ANN401, ARG003 - the worker passes them by name
        reference = json.loads(data.value.content)
        return BlobName(reference["BlobName"])
