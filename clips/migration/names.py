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

LEVELS = 4
"""How many last parts of a path and an old address are compared at most."""

_VIDEO = re.compile(
    rb"\.(3g2|3gp|asf|avi|flv|f4v|m2ts|m2v|m4v|mkv|mov|mp4|mpe?g|mts|mxf|ogv|ts|vob|webm|wmv"
    rb"|aac|flac|m4a|mp3|oga|ogg|opus|wav)",
    re.IGNORECASE,
)
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
_LONGEST_TITLE = 500


class Kind(StrEnum):
    """What a file is by its extension."""

    VIDEO = "video"
    IMAGE = "image"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class _Type:
    kind: Kind
    extension: str
    content_type: str


@lru_cache(maxsize=1000)
def _type(written: bytes) -> _Type:
    """What an extension tells, as it is written behind a name."""
    extension = blob_names.extension_of(f"file{written.decode(errors='replace')}")
    if extension in _IMAGES:
        return _Type(Kind.IMAGE, extension, _IMAGES[extension])
    content_type = media_types.of_name(f"file{extension}") or "application/octet-stream"
    kind = Kind.VIDEO if _VIDEO.fullmatch(written) else Kind.OTHER
    return _Type(kind, extension, content_type)


def kind_of(path: bytes) -> Kind:
    return _type(os.path.splitext(path)[1]).kind


def spelled_id(path: bytes) -> UUID | None:
    """The id that a file's name is, without extension and `_thumbnail`."""
    stem = image_stem(os.path.basename(path))
    return UUID(stem.decode()) if _UUID.fullmatch(stem) else None


def image_stem(path: bytes) -> bytes:
    """A path without its extension, and without `_thumbnail` if it is an image."""
    stem = os.path.splitext(path)[0]
    return _THUMBNAIL.sub(b"", stem) if kind_of(path) is Kind.IMAGE else stem


def is_called_thumbnail(path: bytes) -> bool:
    return _THUMBNAIL.search(os.path.splitext(path)[0]) is not None


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
    return "".join(c for c in stem if c.isprintable()).strip()[:_LONGEST_TITLE] or None


def extension_of(path: bytes) -> str:
    """In lower case with its dot, or "" if it is no usable one."""
    return _type(os.path.splitext(path)[1]).extension


def content_type_of(path: bytes) -> str:
    """What a file is stored as: nothing that a browser would run."""
    return _type(os.path.splitext(path)[1]).content_type


def _suffixes(parts: Sequence[str]) -> Sequence[bytes]:
    encoded = [part.encode(errors="surrogateescape") for part in parts]
    return [b"/".join(encoded[-count:]) for count in range(1, min(LEVELS, len(parts)) + 1)]
