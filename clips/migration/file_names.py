"""What names tell: which clip a file belongs to, by its id or by the address it once had. Pure.

Paths and keys are bytes: a name in a file system need not be UTF-8.
"""

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from urllib.parse import unquote, urlsplit
from uuid import UUID, uuid5

from shared import blob_names, media_types
from shared.model import title_from

LEVELS = 4
"""How many last parts of a path and an old address are compared at most."""

_IMAGES = {
    ".avif": "image/avif",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}
_THUMBNAIL = re.compile(rb"[_-]thumb(nail)?$", re.IGNORECASE)
_UUID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Kind(StrEnum):
    """What a file is by its extension."""

    VIDEO = "video"
    IMAGE = "image"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Type:
    """What an extension tells.

    `extension` is in lower case with its dot, or "" if it is no usable one; `content_type` is
    what a file is stored as: nothing that a browser would run.
    """

    kind: Kind
    extension: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Name:
    """What a path tells.

    `stem` is the path without its extension, and without `_thumbnail` if it is an image's;
    `spelled` is the id that the last part of the stem is, if it is one.
    """

    kind: Kind
    stem: bytes
    spelled: UUID | None
    is_thumbnail: bool


@lru_cache(maxsize=1000)
def _type(written: bytes) -> Type:
    """Of an extension as it is written behind a name."""
    extension = blob_names.extension_of(f"file{written.decode(errors='replace')}")
    if extension in _IMAGES:
        return Type(Kind.IMAGE, extension, _IMAGES[extension])
    content_type = media_types.of_name(f"file{extension}") or "application/octet-stream"
    kind = Kind.VIDEO if media_types.is_media(extension) else Kind.OTHER
    return Type(kind, extension, content_type)


def type_of(path: bytes) -> Type:
    return _type(os.path.splitext(path)[1])


def parsed(path: bytes) -> Name:
    stem, written = os.path.splitext(path)
    kind = _type(written).kind
    thumbnail = _THUMBNAIL.search(stem)
    if thumbnail is not None and kind is Kind.IMAGE:
        stem = stem[: thumbnail.start()]
    last = stem.rpartition(b"/")[2]
    spelled = UUID(last.decode()) if _UUID.fullmatch(last) else None
    return Name(kind, stem, spelled, thumbnail is not None)


def keys_of_path(path: bytes) -> Sequence[bytes]:
    """The last part of a path, the last two, ... as they are compared with old addresses."""
    # A Mac writes é as two characters where everybody else writes one.
    return _suffixes(unicodedata.normalize("NFC", os.fsdecode(path)).split("/"))


def keys_of_address(address: str) -> Sequence[bytes]:
    """The same of an old address: `https://`, `s3://`, `file://` or a plain path."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ()
    # A plain path may have a % or a # of its own.
    path = unquote(parts.path, errors="surrogateescape") if parts.scheme else address
    path = unicodedata.normalize("NFC", path.replace("\0", "").replace("\\", "/"))
    return _suffixes([part for part in path.split("/") if part])


def adopted_id(video_id: UUID, path: bytes, size: int) -> UUID:
    """The id of a clip that is made of a file without a row: the same at every run."""
    return uuid5(video_id, f"{size} {os.fsdecode(path)!a}")


def title_of(path: bytes) -> str | None:
    stem = os.path.splitext(os.path.basename(path))[0].decode(errors="replace")
    return title_from(stem)


def _suffixes(parts: Sequence[str]) -> Sequence[bytes]:
    encoded = [part.encode(errors="surrogateescape") for part in parts]
    return [b"/".join(encoded[-count:]) for count in range(1, min(LEVELS, len(parts)) + 1)]
