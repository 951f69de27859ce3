"""Which media types a clip may be served as, and which one a file's extension means. Pure.

The types are listed here: the standard library's depend on what is installed on the
machine, and a clip has to have the same type from every machine.
"""

import re
from pathlib import PurePosixPath

# One type only: of a list a browser takes the last one, and it reads a type that ends in +xml as a
# document with scripts (https://mimesniff.spec.whatwg.org/#xml-mime-type).
_SERVABLE = re.compile(r"(?:video|audio)/[a-z0-9.+-]+(?<!\+xml)")

_UNKNOWN = "application/octet-stream"
# What programs send for a file of unknown type; the second is the default of S3.
_UNKNOWNS = {_UNKNOWN, "binary/octet-stream"}

_OF_EXTENSION = {
    ".3g2": "video/3gpp2",
    ".3gp": "video/3gpp",
    ".aac": "audio/aac",
    ".asf": "video/x-ms-asf",
    ".avi": "video/x-msvideo",
    ".f4v": "video/mp4",
    ".flac": "audio/flac",
    ".flv": "video/x-flv",
    ".m2ts": "video/mp2t",
    ".m2v": "video/mpeg",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".mpeg": "video/mpeg",
    ".mpg": "video/mpeg",
    ".mts": "video/mp2t",
    ".mxf": "application/mxf",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".opus": "audio/ogg",
    ".ts": "video/mp2t",
    ".vob": "video/mpeg",
    ".wav": "audio/x-wav",
    ".webm": "video/webm",
    ".wmv": "video/x-ms-wmv",
}


def servable(media_type: str | None) -> str | None:
    """The type without its parameters, unless a browser would run what is served as it.

    Blobs are served from the address of the storage account: HTML or SVG would be a page of that
    site.
    """
    essence = (media_type or "").partition(";")[0].strip().lower()
    return essence if _SERVABLE.fullmatch(essence) else None


def of_name(name: str) -> str | None:
    """The servable type of a file name's extension, or None."""
    return servable(_OF_EXTENSION.get(PurePosixPath(name).suffix.lower()))


def upload_type(content_type: str | None, filename: str | None) -> str | None:
    """The type for an upload: the declared one, or that of the file name's extension.

    A declared type that cannot be served gives way to a known extension. None if neither fits.
    """
    known = servable(content_type) or of_name(filename or "")
    if known is not None or content_type is None:
        return known
    extension = PurePosixPath(filename or "").suffix.lower()
    return _UNKNOWN if content_type in _UNKNOWNS or is_media(extension) else None


def is_media(extension: str) -> bool:
    """Whether an extension, in lower case with its dot, is one of video or sound."""
    return extension in _OF_EXTENSION
