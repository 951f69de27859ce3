"""The shape of a picture and its file: square pixels, upright, bounded, JPEG or WebP.

Knows nothing of video: it is given coded sizes, a pixel shape and an orientation.
"""

from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO

from PIL import (
    Image,
    WebPImagePlugin,  # noqa: F401 - registers itself; Pillow would load all of its forty formats
)

from shared.media.pictures.orientation import Orientation
from shared.model.link import ImageFormat

JPEG_QUALITY, WEBP_QUALITY = 82, 77

# Of 0 to 6. An effort of 2, with one more point of quality, takes twice the time for the same PSNR
# and a tenth fewer bytes; Pillow's default of 4 takes four times the time.
_WEBP_EFFORT = 0

_NARROWEST_PIXEL, _WIDEST_PIXEL = Fraction(1, 16), Fraction(16)

# Width and height in pixels.
type Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture, in sRGB; `width` and `height` in pixels."""

    data: bytes
    width: int
    height: int
    format: ImageFormat

    @property
    def content_type(self) -> str:
        """Returns the media type, for `Content-Type`."""
        return f"image/{self.format}"


# Pillow turns counter-clockwise.
_TURNS = {
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}


def square_size(coded: Size, pixel_shape: Fraction) -> Size:
    """Returns the size of a coded picture once its pixels are square, before it is turned.

    `pixel_shape` is the sample aspect ratio, 0 when unknown. The height is kept, as FFmpeg's
    display aspect ratio implies. A shape beyond 16:1 is damage, and is ignored.
    """
    width, height = coded
    if _NARROWEST_PIXEL <= pixel_shape <= _WIDEST_PIXEL:
        width = max(1, round(width * pixel_shape))
    return width, height


def displayed_size(coded: Size, pixel_shape: Fraction, orientation: Orientation) -> Size:
    """Returns the size on a screen: square pixels, upright."""
    width, height = square_size(coded, pixel_shape)
    return (height, width) if orientation.sideways else (width, height)


def within(size: Size, box: Size) -> Size:
    """Returns `size` shrunk in proportion, never enlarged, so that it fits into `box`."""
    factor = min(1.0, box[0] / size[0], box[1] / size[1])
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def shrunk(image: Image.Image, size: Size) -> Image.Image:
    """Returns `image` in a smaller size, or as it is if that is its size."""
    if size == image.size:
        return image
    if (size[0] * 2, size[1] * 2) == image.size:
        return image.reduce(2)  # the average of four pixels, in a tenth of the time of a filter
    return image.resize(size)


def upright(image: Image.Image, orientation: Orientation) -> Image.Image:
    """Returns `image` mirrored and turned as `orientation` says."""
    if orientation.mirrored:
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    if orientation.rotation:
        image = image.transpose(_TURNS[orientation.rotation])
    return image


def encoded(
    image: Image.Image,
    file_format: ImageFormat,
    jpeg_quality: int = JPEG_QUALITY,
) -> Picture:
    """Returns `image` as a JPEG or a WebP."""
    buffer = BytesIO()
    if file_format is ImageFormat.JPEG:
        # Neither progressive nor optimized: each takes twice as long, the latter for 1 to 3 % of
        # the bytes, and Pillow holds Python's lock meanwhile.
        image.save(buffer, "JPEG", quality=jpeg_quality)
    else:
        image.save(buffer, "WEBP", quality=WEBP_QUALITY, method=_WEBP_EFFORT)
    return Picture(buffer.getvalue(), image.width, image.height, file_format)
