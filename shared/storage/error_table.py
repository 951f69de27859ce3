"""The one table from status and error code of storage to an error.

Pure, and used by both clients: the SDK's (`shared.storage.sdk.azure_errors`) and the small one
(`shared.storage.rest`).
https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
"""

from http import HTTPStatus

from shared.errors import (
    BlobArchived,
    BlobChanged,
    BlobExists,
    BlobMissing,
    CliplinkError,
    StorageUnavailable,
)

# A later request may succeed. 409: another client works on the same blob; the codes of 409 that
# mean something else come before. Md5Mismatch: the body was damaged on its way.
_TRANSIENT = {408, 409, 429, 500, 502, 503, 504}
_DAMAGED_ON_ITS_WAY = "Md5Mismatch"
# The role assignments of a new deployment take minutes to arrive, a rotated key seconds.
_CREDENTIALS_REFUSED = {401, 403}


class CredentialsRefused(StorageUnavailable):
    """Storage refuses the key or the rights of the app."""


def error_for(status: int, code: str) -> CliplinkError | None:
    """The error that an answer means, by its status and its `x-ms-error-code`.

    None for an answer that no rule here names: one that may pass (`is_transient`), or a request
    that storage considers wrong, which is a bug of this app.
    """
    error: CliplinkError | None = None
    if code.startswith("Container"):
        error = StorageUnavailable("A storage container is missing.")
    elif code.startswith("Lease"):
        error = StorageUnavailable("Another client has a lease on the blob.")
    elif code in {"BlobArchived", "BlobBeingRehydrated"}:
        error = BlobArchived("The blob is in the archive tier.")
    elif code == "BlobAlreadyExists":
        error = BlobExists("The blob exists already.")
    elif status == HTTPStatus.PRECONDITION_FAILED or code == "InvalidBlockList":
        error = BlobChanged("The blob was overwritten during the call.")
    elif status == HTTPStatus.NOT_FOUND:
        error = BlobMissing("The blob does not exist.")
    elif status in _CREDENTIALS_REFUSED:
        why = f"{status} {code}".strip()
        error = CredentialsRefused(f"Storage refuses the app's credentials: {why}.")
    return error


def is_transient(status: int, code: str) -> bool:
    """Whether a repeated request may succeed; for answers that `error_for` does not name."""
    return status in _TRANSIENT or code == _DAMAGED_ON_ITS_WAY
