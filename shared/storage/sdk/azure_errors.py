"""Turns the exceptions of Azure's storage SDK into Cliplink's own errors.

Imports the client's library only for an exception.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from shared import telemetry
from shared.errors import CliplinkError, StorageUnavailable
from shared.storage.error_table import error_for, is_transient

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError

_CLIENT_ERRORS = range(400, 500)


@contextmanager
def azure_errors(operation: str) -> Iterator[None]:
    """Translates exceptions, and opens a span that names the operation but no URL.

    An exception that shows a bug of this app passes through unchanged.
    """
    try:
        with telemetry.request(f"storage.{operation}", "storage"):
            yield
    except Exception as error:
        translated = _translation(error)
        if translated is None:
            raise
        raise translated from error


def is_leased(error: "HttpResponseError") -> bool:
    """Whether another client's lease prevents the request."""
    return _code(error).startswith("Lease")


def is_held(error: "HttpResponseError") -> bool:
    """Whether the refusal of a deletion says that a policy keeps the blob, or a legal hold.

    Every conflict means that, except those of a container, of a lease and of a running copy.
    """
    passes = _code(error).startswith(("Container", "Lease", "PendingCopyOperation"))
    return error.status_code == HTTPStatus.CONFLICT and not passes


def is_rehydrating(error: "HttpResponseError") -> bool:
    """Whether the blob is on its way out of the archive already."""
    return _code(error) == "BlobBeingRehydrated"


def _translation(error: Exception) -> CliplinkError | None:
    from azure.core.exceptions import AzureError, HttpResponseError

    if not isinstance(error, AzureError):
        return None
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        # Out of reach, cut off, or an answer that is not of storage.
        return StorageUnavailable("The storage account does not respond correctly.")
    status, code = error.status_code, _code(error)
    known = error_for(status, code)
    if known is not None:
        return known
    if status in _CLIENT_ERRORS and not is_transient(status, code):
        return None
    why = f"{status} {code}".strip()
    return StorageUnavailable(f"The storage account does not respond correctly: {why}.")


def _code(error: Exception) -> str:
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))
