"""Claims on one version of the blob of a clip or a source."""

from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from shared.model.failure import GAVE_UP, MAX_DELIVERIES
from shared.postgres.database import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to publish one version of one clip.

    `is_first` is whether no version of it was claimed before: no run has left images then.
    """

    clip_id: UUID
    video_id: UUID
    etag: str
    is_first: bool = False


class Standing(Enum):
    """Whether a claim is still valid; the other values are the reason why it is not."""

    VALID = "it is valid"
    DONE = "another run finished this version first"
    REPLACED = "it was replaced by a newer version"
    DELETED = "its clip was deleted"


def standing_of(claim: Claim, row: Row | None) -> Standing:
    """The standing of a claim, by `etag` and `status` of its row; None if that was deleted."""
    if row is None:
        return Standing.DELETED
    if row["etag"] != claim.etag:
        return Standing.REPLACED
    return Standing.VALID if row["status"] == "processing" else Standing.DONE


def giving_up(blob_name: str) -> dict[str, object]:
    """The parameters of a query that gives up after the last delivery of a message."""
    return {
        "blob_name": blob_name,
        "at_least": MAX_DELIVERIES,
        "code": GAVE_UP.code,
        "detail": GAVE_UP.detail,
    }
