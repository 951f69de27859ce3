"""The shape of a picture and its file: square pixels, upright, bounded, JPEG.

Knows nothing of video: it is given coded sizes, a pixel shape and an orientation.
"""

from fractions import Fraction
from io import BytesIO

from PIL import Image

from shared.media.orientation import Orientation

JPEG_QUALITY = 82
_NARROWEST_PIXEL, _WIDEST_PIXEL = Fraction(1, 16), Fraction(16)

type Size = tuple[int, int]
"""Width and height in pixels."""

_TURNS = {
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
"""Pillow turns counter-clockwise."""


def square_size(coded: Size, pixel_shape: Fraction) -> Size:
    """Return the size of a coded picture once its pixels are square, before it is turned.

    `pixel_shape` is the sample aspect ratio, 0 when unknown. The height is kept, as FFmpeg's
    display aspect ratio implies. A shape beyond 16:1 is damage, and is ignored.
    """
    width, height = coded
    if _NARROWEST_PIXEL <= pixel_shape <= _WIDEST_PIXEL:
        width = max(1, round(width * pixel_shape))
    return width, height


def displayed_size(coded: Size, pixel_shape: Fraction, orientation: Orientation) -> Size:
    """Return the size on a screen: square pixels, upright."""
    width, height = square_size(coded, pixel_shape)
    return (height, width) if orientation.sideways else (width, height)


def bounded(size: Size, longest_side: int) -> Size:
    """Return `size` shrunk, never enlarged, so that no side exceeds `longest_side` pixels."""
    factor = min(1.0, longest_side / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def upright(image: Image.Image, orientation: Orientation) -> Image.Image:
    """Return `image` mirrored and turned as `orientation` says."""
    if orientation.mirrored:
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    if orientation.rotation:
        image = image.transpose(_TURNS[orientation.rotation])
    return image


def to_jpeg(image: Image.Image) -> bytes:
    """Return `image` as a progressive JPEG."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    return buffer.getvalue()
