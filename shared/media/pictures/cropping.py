"""Which part of a decoded picture a container asks to be shown.

Matroska (PixelCropTop and the like, RFC 9559 section 5.1.4.1.28) and MP4 (the `clap` box,
ISO/IEC 14496-12 section 12.1.4) can leave rows and columns out. FFmpeg passes the request on
and does not follow it.
"""

import struct
from dataclasses import dataclass

from av.video.stream import VideoStream

_FOUR_NUMBERS = struct.Struct("<4I")


@dataclass(frozen=True, slots=True)
class Cropping:
    """Rows and columns, in coded pixels, that are left out at each side."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    def size(self, coded: tuple[int, int]) -> tuple[int, int]:
        """Returns width and height of what is shown of a picture of the `coded` size."""
        left, top, right, bottom = self.box(coded)
        return right - left, bottom - top

    def box(self, coded: tuple[int, int]) -> tuple[int, int, int, int]:
        """Returns left, upper, right and lower edge of what is shown: the whole if nothing is left.

        `coded` is width and height of the whole picture.
        """
        width, height = coded
        if self.left + self.right >= width or self.top + self.bottom >= height:
            return 0, 0, width, height
        return self.left, self.top, width - self.right, height - self.bottom


def cropping_of(stream: VideoStream) -> Cropping:
    """Returns the cropping that the container of a track asks for."""
    data = stream.codec_context.coded_side_data.get("frame_cropping")
    if data is None or len(data) < _FOUR_NUMBERS.size:
        return Cropping()
    return Cropping(*_FOUR_NUMBERS.unpack(bytes(data[: _FOUR_NUMBERS.size])))
