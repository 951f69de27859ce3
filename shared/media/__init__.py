"""Reads a media file: what it holds, whether it plays, and all pictures that are shown of it.

The only package that uses FFmpeg (PyAV) and Pillow. It knows nothing of storage, databases or
HTTP: bytes come through `ByteSource`, answers are `shared.model.Media` and encoded pictures.

    with media.opened(source) as file:
        file.media
        file.stills()
        file.frame_at(12.5, width=640)
"""

from shared.media.failures import FailureCode
from shared.media.media_file import MediaFile, opened
from shared.media.pictures.picture import Picture
from shared.media.pictures.stills import Stills
from shared.media.reading.byte_source import ByteSource, Limits

__all__ = [
    "ByteSource",
    "FailureCode",
    "Limits",
    "MediaFile",
    "Picture",
    "Stills",
    "opened",
]
