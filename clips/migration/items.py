"""What a plan comes to: files with what is to become of them, and what is left over."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from clips.migration.names import Kind
from clips.transfer.faults import Code

type Line = Mapping[str, object]
"""A line of the receipt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A file and what is to become of it.

    `there` tells that the catalogue speaks of the blob already; `twins` are files that fit the
    same clip just as well; an `adopted` file has no row yet. With a `url` the bytes are there,
    and not in a file: then `path` only names the item.
    """

    path: bytes
    size: int
    kind: Kind
    clip_id: UUID
    video_id: UUID
    blob_name: str
    content_type: str
    there: bool = False
    twins: tuple[bytes, ...] = ()
    adopted: bool = False
    url: str | None = None


@dataclass(frozen=True, slots=True)
class LeftOver:
    """A file that goes with no clip, and why."""

    path: bytes
    size: int
    code: Code
    detail: str

    @property
    def is_unseen(self) -> bool:
        """Whether it could not be looked at: it may well have been a clip, or a folder of them."""
        return self.code in {Code.UNREADABLE, Code.VANISHED}


@dataclass(frozen=True, slots=True)
class Fileless:
    """A clip that has no file here, and waits for its bytes unless there is a blob."""

    clip_id: UUID
    video_id: UUID
    blob_name: str | None
    old_url: str | None
