"""Reads from the path of a file which clip it is for: an id, or parts of an old address. Pure.

Paths and keys are bytes: a name in a file system need not be UTF-8.
"""

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from clips.transfer.file_types import FileKind, type_of
from shared.model.clip import title_from

# How many last parts of a path and of an old address are compared at most.
_MAX_PARTS = 4

_THUMBNAIL = re.compile(rb"[_-]thumb(nail)?$", re.IGNORECASE)
_UUID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OldFileName:
    """`stem` is the path without its extension, and without `_thumbnail` if it is an image.

    `id_in_name` is set if the last part of the stem is an id.
    """

    kind: FileKind
    stem: bytes
    id_in_name: UUID | None
    is_thumbnail: bool


def parse(path: bytes) -> OldFileName:
    stem = os.path.splitext(path)[0]
    kind = type_of(path).kind
    thumbnail = _THUMBNAIL.search(stem)
    if thumbnail is not None and kind is FileKind.IMAGE:
        stem = stem[: thumbnail.start()]
    last = stem.rpartition(b"/")[2]
    id_in_name = UUID(last.decode()) if _UUID.fullmatch(last) else None
    return OldFileName(kind, stem, id_in_name, thumbnail is not None)


def keys_of_path(path: bytes) -> Sequence[bytes]:
    """The last part of a path, the last two, ...: the keys that match files with old addresses."""
    return keys_of_name(os.fsdecode(path))


def keys_of_name(name: str) -> Sequence[bytes]:
    """As `keys_of_path`, of one of the names that an old address may mean."""
    # macOS writes é as two characters, other systems as one.
    parts = [part for part in unicodedata.normalize("NFC", name).split("/") if part]
    encoded = [part.encode(errors="surrogateescape") for part in parts]
    return [b"/".join(encoded[-count:]) for count in range(1, min(_MAX_PARTS, len(parts)) + 1)]


def adopted_id(video_id: UUID, path: bytes, size: int) -> UUID:
    """The id of a clip that is made from a file without a row: the same in every run."""
    return uuid5(video_id, f"{size} {os.fsdecode(path)!a}")


def title_of(path: bytes) -> str | None:
    stem = os.path.splitext(os.path.basename(path))[0].decode(errors="replace")
    return title_from(stem)
