"""A clip's picture in some twenty bytes, for painting before anything is loaded.

ThumbHash (https://evanw.github.io/thumbhash/): unlike BlurHash it knows the shape of the picture.
"""

from base64 import b64encode

from PIL import Image
from thash import rgba_to_thumb_hash

# More pixels hardly change the hash, and in pure Python each one costs time: 10 ms for these.
_LONGEST_SIDE = 32


def placeholder(image: Image.Image) -> str:
    """Returns the ThumbHash of `image` in base64 without line breaks, 20 to 40 letters."""
    small = image.copy()
    small.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    rgba = small.convert("RGBA")
    return b64encode(bytes(rgba_to_thumb_hash(*rgba.size, list(rgba.tobytes())))).decode()
