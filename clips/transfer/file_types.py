"""The type of a file by its extension. Pure.

Paths are bytes: a name in a file system need not be UTF-8.
"""

import os
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from shared import blob_names
from shared.model import media_types

_IMAGES = {
    ".avif": "image/avif",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}


class FileKind(StrEnum):
    """`VIDEO` includes sound."""

    VIDEO = "video"
    IMAGE = "image"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FileType:
    """A file's kind, its extension and the media type of its blob.

    `extension` is in lower case with its dot, or "" if it is not usable in a blob's name;
    `content_type` is never a type that a browser would run.
    """

    kind: FileKind
    extension: str
    content_type: str


def type_of(path: bytes) -> FileType:
    return _type_of(os.path.splitext(path)[1])


@lru_cache(maxsize=1000)
def _type_of(written: bytes) -> FileType:
    """`written` is an extension as it is written in a file's name."""
    extension = blob_names.extension_of(f"file{written.decode(errors='replace')}")
    if extension in _IMAGES:
        return FileType(FileKind.IMAGE, extension, _IMAGES[extension])
    content_type = media_types.of_name(f"file{extension}") or "application/octet-stream"
    kind = FileKind.VIDEO if media_types.is_media(extension) else FileKind.OTHER
    return FileType(kind, extension, content_type)
