"""Pictures one after another as an animated WebP.

libwebp's own encoder of animations tries several ways for each picture, which takes twice the time
for the same bytes. Here each picture is encoded once, and only the part that differs from the
picture before it.

Source: Google's "WebP Container Specification" (RFC 9649, section 2.7).
"""

from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise

from PIL import Image, ImageChops

from shared.media.pictures.picture import Picture
from shared.model.link import ImageFormat

_QUALITY, _EFFORT = 60, 0

# Flags of the file and of a frame: it replaces what it covers, and stays.
_IS_ANIMATED, _REPLACES = 0x02, 0x02

# A transparent background, and no end of repeating.
_ANIMATION = bytes(4) + bytes(2)

# Where the chunks of a file begin.
_FIRST_CHUNK = 12
_LONGEST_MILLISECONDS = 2**24 - 1


# An RGB picture, and for how many milliseconds it is shown.
type Shown = tuple[Image.Image, int]

# Left, upper, right and lower edge.
type _Box = tuple[int, int, int, int]


def animated(pictures: Sequence[Shown]) -> Picture:
    """Returns pictures of one size, at least one, one after another, repeating."""
    size = pictures[0][0].size
    frames = b"".join(_frame(*change) for change in _changes(pictures))
    head = bytes((_IS_ANIMATED, 0, 0, 0)) + _three(size[0] - 1) + _three(size[1] - 1)
    body = b"WEBP" + _chunk(b"VP8X", head) + _chunk(b"ANIM", _ANIMATION) + frames
    return Picture(_chunk(b"RIFF", body), *size, ImageFormat.WEBP)


def _changes(pictures: Sequence[Shown]) -> list[tuple[Image.Image, _Box, int]]:
    """Returns each picture with the box in which it differs from the one before, and its time."""
    first, milliseconds = pictures[0]
    changes = [(first, (0, 0, *first.size), milliseconds)]
    for (before, _), (image, milliseconds) in pairwise(pictures):
        box = ImageChops.difference(before, image).getbbox()
        if box is None:
            last, last_box, time = changes.pop()
            changes.append((last, last_box, time + milliseconds))
        else:
            # The format counts places in steps of two pixels.
            left, top = box[0] // 2 * 2, box[1] // 2 * 2
            changes.append((image, (left, top, box[2], box[3]), milliseconds))
    return changes


def _frame(image: Image.Image, box: _Box, milliseconds: int) -> bytes:
    left, top, right, bottom = box
    place = [left // 2, top // 2, right - left - 1, bottom - top - 1]
    head = b"".join(_three(number) for number in [*place, min(milliseconds, _LONGEST_MILLISECONDS)])
    return _chunk(b"ANMF", head + bytes((_REPLACES,)) + _bitstream(image.crop(box)))


def _bitstream(image: Image.Image) -> bytes:
    """Returns the one chunk of a still WebP."""
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=_QUALITY, method=_EFFORT)
    return buffer.getvalue()[_FIRST_CHUNK:]


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2)


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")
