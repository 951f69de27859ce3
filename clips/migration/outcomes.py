"""The items of a plan, and the possible results of a file: typed, for receipt, display and API."""

import os
from dataclasses import dataclass
from uuid import UUID

from clips.migration.old_files import old_address
from clips.migration.reasons import AnyReason
from clips.transfer.faults import FileFault
from clips.transfer.file_types import FileKind


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanItem:
    """A file and the clip whose bytes it becomes.

    `already_stored`: the clip's row has a blob. `duplicates` are files that match the clip just
    as well. `adopted`: the clip may have no row yet. With a `url` the bytes are fetched from
    there, and `path` only names the item.
    """

    path: bytes
    size: int
    kind: FileKind
    clip_id: UUID
    video_id: UUID
    blob_name: str
    content_type: str
    already_stored: bool = False
    duplicates: tuple[bytes, ...] = ()
    adopted: bool = False
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedFile:
    """All bytes are in storage, by size and MD5, which storage computed too.

    `was_stored`: they were in storage before this run.
    """

    item: PlanItem
    size: int
    sha256: str
    md5: str
    etag: str
    was_stored: bool

    @property
    def path(self) -> bytes:
        return self.item.path


@dataclass(frozen=True, slots=True)
class DuplicateFile:
    """Holds the same bytes as the file that was moved."""

    path: bytes
    verified: VerifiedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedFile:
    """A file of an item that was not moved; `in_outage`: the same may succeed later."""

    item: PlanItem
    path: bytes
    code: str
    detail: str
    in_outage: bool = False

    @property
    def source(self) -> str:
        """The file's path, or the address that it was fetched from."""
        return (self.item.url and old_address.parse(self.item.url).shown) or os.fsdecode(self.path)


@dataclass(frozen=True, slots=True)
class UnmatchedFile:
    """A file that belongs to no clip, or that cannot be read, and why."""

    path: bytes
    size: int
    code: AnyReason
    detail: str

    @property
    def is_unreadable(self) -> bool:
        """An unreadable file may be a clip, or a folder of clips, so it counts as a failure."""
        return self.code in {FileFault.UNREADABLE, FileFault.VANISHED}

    @property
    def source(self) -> str:
        return os.fsdecode(self.path)


@dataclass(frozen=True, slots=True)
class ClipWithoutFile:
    """A clip for which there is no file; it waits for its bytes unless it has a blob."""

    clip_id: UUID
    video_id: UUID
    blob_name: str | None
    old_url: str | None


# The result of one file.
type Outcome = VerifiedFile | DuplicateFile | FailedFile | UnmatchedFile
