"""Which way up a picture is: the eight positions that a display matrix can ask for.

Pure arithmetic on the nine numbers of ISO/IEC 14496-12 section 6.2.2 as FFmpeg keeps them.
"""

import math
import struct
from dataclasses import dataclass

_MATRIX_BYTES = 36


@dataclass(frozen=True, slots=True)
class Orientation:
    """How the coded picture is brought upright.

    First, if `mirrored`, its top and bottom are exchanged; then it is turned clockwise by
    `rotation` (0, 90, 180 or 270 degrees). So `rotation` is where the rows of the coded picture
    point, which is what ffprobe reports (with the opposite sign) for mirrored pictures too.
    """

    rotation: int = 0
    mirrored: bool = False

    @property
    def sideways(self) -> bool:
        """Whether width and height change places."""
        return self.rotation in (90, 270)


def orientation_of(matrix: bytes | None) -> Orientation:
    """Returns the orientation that a display matrix asks for, to the nearest quarter turn.

    `matrix` is FFmpeg's display matrix side data: nine native 32-bit integers, a picture point
    (x, y) being shown at (a*x + c*y, b*x + d*y) with y downwards, stored as a b u c d v ...
    None, a degenerate or a malformed matrix mean upright.
    """
    if matrix is None or len(matrix) < _MATRIX_BYTES:
        return Orientation()
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix[:_MATRIX_BYTES])
    area = a * d - b * c
    if area == 0:
        return Orientation()
    degrees = math.degrees(math.atan2(b, a))
    return Orientation(rotation=round(degrees / 90) % 4 * 90, mirrored=area < 0)
