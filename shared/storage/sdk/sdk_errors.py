"""Translates what the vendor's storage client raises into Cliplink's own errors.

Imports the client's library only when an exception comes through.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared import telemetry
from shared.errors import (
    BlobArchived,
    BlobChanged,
    BlobExists,
    BlobMissing,
    CliplinkError,
    StorageUnavailable,
)

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError

# 401, 403: the role assignments of a new deployment take minutes to arrive, a rotated key
# seconds. 408, 429: the account is busy.
_PASSING = {401, 403, 408, 429}
_CLIENT_ERRORS = range(400, 500)
_ARCHIVED = {"BlobArchived", "BlobBeingRehydrated"}


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Translates exceptions, and opens a span that names the operation but no URL.

    An exception that points to a bug of ours passes through as it is.
    """
    try:
        with telemetry.request(f"storage.{operation}", "storage"):
            yield
    except Exception as error:
        ours = _translation(error)
        if ours is None:
            raise
        raise ours from error


def is_leased(error: "HttpResponseError") -> bool:
    """Whether a lease that we do not hold is in the way."""
    return _code(error).startswith("Lease")


def is_rehydrating(error: "HttpResponseError") -> bool:
    """Whether the blob is on its way out of the archive already."""
    return _code(error) == "BlobBeingRehydrated"


def _translation(error: Exception) -> CliplinkError | None:
    from azure.core.exceptions import (
        AzureError,
        HttpResponseError,
        ResourceExistsError,
        ResourceModifiedError,
        ResourceNotFoundError,
    )

    if not isinstance(error, AzureError):
        return None
    # https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
    code, status = _code(error), getattr(error, "status_code", None)
    match error:
        case HttpResponseError() if code.startswith("Container"):
            ours: CliplinkError | None = StorageUnavailable("A storage container is missing.")
        case HttpResponseError() if is_leased(error):
            ours = StorageUnavailable("The blob is leased by somebody.")
        case HttpResponseError() if code in _ARCHIVED:
            ours = BlobArchived("The blob is in the archive tier.")
        case ResourceNotFoundError():
            ours = BlobMissing("There is no such blob.")
        case ResourceModifiedError():
            ours = BlobChanged("The blob was overwritten meanwhile.")
        case ResourceExistsError() if code == "BlobAlreadyExists":
            ours = BlobExists("There is such a blob already.")
        case _ if status in _CLIENT_ERRORS and status not in _PASSING:
            ours = None
        case _:
            # Refused, cut off, not an answer of storage at all, or its own fault.
            ours = StorageUnavailable("The storage account does not answer as it should.")
    return ours


def _code(error: Exception) -> str:
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))
