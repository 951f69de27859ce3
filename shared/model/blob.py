"""Blobs as storage describes them, and how they are rehydrated from the archive tier."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RehydratePriority(StrEnum):
    """How soon a blob is restored from the archive tier; within an hour costs more."""

    STANDARD = "standard"
    HIGH = "high"


def rehydrating_at(status: str | None, priority: str | None) -> RehydratePriority | None:
    """The priority at which a blob is rehydrated, as storage describes it; None if it is not."""
    if status is None or not status.startswith("rehydrate-pending"):
        return None
    high = priority is not None and priority.lower() == RehydratePriority.HIGH
    return RehydratePriority.HIGH if high else RehydratePriority.STANDARD


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A stored blob's properties. `etag` names this version of it; `content_md5` is base64.

    `rehydrating` is how urgently it is being fetched from the archive, if it is. `copy_status` is
    how far the copy is that it was made by, None for one that is no copy: pending, success,
    aborted or failed.
    """

    name: str
    etag: str
    size: int
    last_modified: datetime
    content_type: str | None
    content_md5: str | None
    access_tier: str | None
    metadata: Mapping[str, str]
    rehydrating: RehydratePriority | None = None
    copy_status: str | None = None

    @property
    def archived(self) -> bool:
        """Whether its bytes cannot be read before it has been rehydrated."""
        return self.access_tier == "Archive"


@dataclass(frozen=True, slots=True)
class Rehydration:
    """A blob on its way out of the archive; `retry_after` is seconds until asking again."""

    priority: RehydratePriority
    retry_after: int
