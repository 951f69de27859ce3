"""What the storage client raises, in Cliplink's own errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)

from shared.errors import BlobChanged, BlobExists, BlobMissing, CliplinkError, StorageUnavailable

# 401, 403: the role assignments of a new deployment take minutes to arrive, a rotated key
# seconds. 408, 429: the account is busy.
_PASSING = {401, 403, 408, 429}
_CLIENT_ERRORS = range(400, 500)


@contextmanager
def translated() -> Iterator[None]:
    """Turns the vendor's exceptions into ours; what is a fault of ours comes through as it is."""
    try:
        yield
    except AzureError as error:
        ours = _translation(error)
        if ours is None:
            raise
        raise ours from error


def is_leased(error: HttpResponseError) -> bool:
    """Whether a lease that we do not hold is in the way."""
    return _code(error).startswith("Lease")


def _translation(error: AzureError) -> CliplinkError | None:
    # https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
    code, status = _code(error), getattr(error, "status_code", None)
    match error:
        case HttpResponseError() if code.startswith("Container"):
            ours: CliplinkError | None = StorageUnavailable("A storage container is missing.")
        case HttpResponseError() if is_leased(error):
            ours = StorageUnavailable("The blob is leased by somebody.")
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


def _code(error: AzureError) -> str:
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))
