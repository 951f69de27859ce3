"""Every error that Cliplink raises on purpose, in one tree.

An error knows a stable `code` (what programs test), a `title` (the same for every
occurrence) and a `detail` (a sentence about this occurrence, safe to show to the
caller). It knows nothing of HTTP: `clips/http/problems.py` gives each class its status.

    CliplinkError
    ├── InvalidRequest            the request is malformed
    │   ├── BodyTooLarge
    │   ├── UnsupportedMediaType
    │   └── KeyReused
    ├── Unauthenticated           a token that is not valid
    │   └── TokenMissing              no token at all
    ├── Forbidden                 a valid token without a required role
    ├── NotFound                  absent, or another user's
    │   └── MethodNotAllowed
    ├── WrongState                the resource exists, but cannot do this now
    │   ├── SourceNotReady            a source that is not uploaded or not processed yet
    │   ├── NeedsForce                a repair of so much that it has to be confirmed
    │   ├── Pinned                    the clip, or a clip of the video, may not be deleted
    │   └── VideoInBin                the clip can be restored with its video only
    ├── GoneForGood               deleted permanently, which its owner may know
    ├── CutOutOfRange             the source shows nothing in the requested range
    ├── UnplayableClip            the uploaded file cannot be played
    ├── UnusableFile              a local or remote file cannot become a clip
    ├── BlobMissing               the blob no longer exists
    ├── BlobChanged               the blob is no longer the version that was asked for
    ├── BlobExists                a blob that must be new is already there
    ├── BlobHeld                  the blob may not be deleted: a legal hold or a policy keeps it
    ├── BlobArchived              the blob's bytes cannot be read from the archive tier
    └── Unavailable               an outage: the same call may succeed later
        ├── DatabaseUnavailable
        ├── StorageUnavailable
        ├── SigningKeysUnavailable
        └── Busy                  too much at once: memory is short, or calls were in conflict
"""

from dataclasses import dataclass
from typing import ClassVar


class CliplinkError(Exception):
    """Root of the tree; never raised itself."""

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "The service has an error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad field: `pointer` (RFC 6901, into the body) or `parameter` (path, query, Host)."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class InvalidRequest(CliplinkError):
    """A malformed request: sending it again cannot help; `fields` names every bad field."""

    code = "invalid_request"
    title = "The request is malformed"

    def __init__(self, detail: str, fields: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.fields = fields


class BodyTooLarge(InvalidRequest):
    code = "body_too_large"
    title = "The request body is too large"


class UnsupportedMediaType(InvalidRequest):
    code = "unsupported_media_type"
    title = "The request body must be JSON"


class KeyReused(InvalidRequest):
    """An Idempotency-Key that came with another request before."""

    code = "idempotency_key_reused"
    title = "The Idempotency-Key was used for another request"


class Unauthenticated(CliplinkError):
    code = "invalid_token"
    title = "A valid bearer token is required"


class TokenMissing(Unauthenticated):
    code = "missing_token"
    title = "A bearer token is required"


class Forbidden(CliplinkError):
    code = "missing_role"
    title = "The token lacks a required role"


class NotFound(CliplinkError):
    """Absent things and those of other users look the same, so that ids cannot be probed."""

    code = "not_found"
    title = "Not found"


class MethodNotAllowed(NotFound):
    """A known path, another method; `allowed` are the methods that it has."""

    code = "method_not_allowed"
    title = "The path does not have this method"

    def __init__(self, detail: str, allowed: tuple[str, ...]) -> None:
        super().__init__(detail)
        self.allowed = allowed


class WrongState(CliplinkError):
    code = "wrong_state"
    title = "Not possible in the present state"


class SourceNotReady(WrongState):
    code = "source_not_ready"
    title = "The source is not ready"


class NeedsForce(WrongState):
    code = "repair_needs_force"
    title = "The repair concerns a large part of the catalogue"


class Pinned(WrongState):
    code = "pinned"
    title = "A pinned clip cannot be deleted"


class VideoInBin(WrongState):
    code = "video_in_bin"
    title = "The video of the clip is in the recycle bin"


class GoneForGood(CliplinkError):
    """Only its owner gets this: for others it never existed."""

    code = "gone_for_good"
    title = "The clip or video was deleted permanently"


class CutOutOfRange(CliplinkError):
    """The source shows nothing in the requested range."""

    code = "cut_out_of_range"
    title = "The range is outside of the source"


class UnplayableClip(CliplinkError):
    """The owner's file is the cause, so a retry cannot help.

    `failure_code` is one of the codes listed in docs/errors.md under "Why a clip failed".
    """

    code = "unplayable_clip"
    title = "The file cannot be played"

    def __init__(self, failure_code: str, detail: str) -> None:
        super().__init__(detail)
        self.failure_code = failure_code


class UnusableFile(CliplinkError):
    """A file that was to be uploaded is the cause, so an immediate retry cannot help.

    `failure_code` is one of the codes listed in docs/migration.md.
    """

    code = "unmovable_file"
    title = "The file cannot be used"

    def __init__(self, failure_code: str, detail: str) -> None:
        super().__init__(detail)
        self.failure_code = failure_code


class BlobMissing(CliplinkError):
    code = "blob_missing"
    title = "The blob does not exist"


class BlobChanged(CliplinkError):
    code = "blob_changed"
    title = "The blob was overwritten during the call"


class BlobExists(CliplinkError):
    code = "blob_exists"
    title = "The blob exists already"


class BlobHeld(CliplinkError):
    code = "blob_held"
    title = "A policy prevents the deletion of the blob"


class BlobArchived(CliplinkError):
    code = "blob_archived"
    title = "The blob is in the archive tier"


class Unavailable(CliplinkError):
    """An outage; `retry_after` is the number of seconds to wait."""

    code = "unavailable"
    title = "A part of the service is temporarily unavailable"
    retry_after: ClassVar[int] = 5


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"
    title = "The database is temporarily unavailable"


class StorageUnavailable(Unavailable):
    code = "storage_unavailable"
    title = "The storage account is temporarily unavailable"


class SigningKeysUnavailable(Unavailable):
    code = "signing_keys_unavailable"
    title = "The token issuer's keys cannot be fetched"


class Busy(Unavailable):
    code = "busy"
    title = "The service is busy"
