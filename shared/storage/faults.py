"""What the storage client raises, in Cliplink's own errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)

from shared.errors import BlobChanged, BlobExists, BlobMissing, CliplinkError, StorageUnavailable

_FORBIDDEN = 403
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


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


def _translation(error: AzureError) -> CliplinkError | None:
    # https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
    match error:
        case ResourceNotFoundError() if _code(error).startswith("Container"):
            ours: CliplinkError | None = StorageUnavailable("A storage container is missing.")
        case ResourceNotFoundError():
            ours = BlobMissing("There is no such blob.")
        case HttpResponseError() if _code(error).startswith("Lease"):
            ours = StorageUnavailable("Somebody holds a lease on the blob.")
        case ResourceModifiedError():
            ours = BlobChanged("The blob was overwritten meanwhile.")
        case ResourceExistsError() if _code(error) == "BlobAlreadyExists":
            ours = BlobExists("There is such a blob already.")
        case ServiceRequestError() | ServiceResponseError() | ClientAuthenticationError():
            ours = StorageUnavailable("The storage account cannot be reached.")
        case HttpResponseError() if _is_outage(error.status_code):
            ours = StorageUnavailable("The storage account cannot answer.")
        case _:
            ours = None
    return ours


def _is_outage(status: int | None) -> bool:
    # 403: the role assignments of a new deployment take minutes to arrive, a rotated key seconds.
    return status is None or status in {_FORBIDDEN, _TOO_MANY_REQUESTS} or status >= _SERVER_ERROR


def _code(error: HttpResponseError) -> str:
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))
