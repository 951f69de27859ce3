"""Looking into a clip: what it is, whether it plays, and its poster.

The only package that uses FFmpeg (PyAV) and Pillow. It knows nothing of storage, databases or
HTTP: bytes come through `ByteSource`, answers are `shared.model.Media` and encoded pictures.

    with media.opened(source) as file:
        file.media
        file.poster()
"""

from shared.media.failures import FailureCode
from shared.media.media_file import MediaFile, opened
from shared.media.source import ByteSource, Limits

__all__ = ["ByteSource", "FailureCode", "Limits", "MediaFile", "opened"]
