"""How good a frame is as a poster: a number from its brightness alone.

Pure Pillow on a small picture as a screen shows it, so that a frame is judged in about 1 ms, and
HDR and SDR alike. The scales put black, blank and early fades below 1 and lit scenes above 2 on
the sample films and on those that the tests make.
"""

from PIL import Image, ImageFilter, ImageStat

# Width and height of a picture to judge, at most; more does not change the result.
BOX = (256, 256)

# Below this a frame is black, blank or hardly more.
ACCEPTABLE = 1.0

# From here on a frame shows a well-lit, detailed scene. Between the two it may be a plain scene,
# or one that is still fading in.
CLEARLY_GOOD = 2.0

_LAPLACIAN = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128)
_TONES = 16
_DARKEST_AVERAGE, _BRIGHTEST_AVERAGE = 40, 215


def score(picture: Image.Image) -> float:
    """Returns how much there is to see in `picture`: about 0 for nothing, 3 for a lot.

    The sum of: how many tones there are (entropy), how sharp the detail is (deviation of the
    Laplacian), how strong the contrast (deviation of the brightness), how well it is exposed;
    less the share of the most frequent tone.
    """
    gray = picture.convert("L")
    statistics = ImageStat.Stat(gray)
    tones = gray.entropy()
    detail = ImageStat.Stat(gray.filter(_LAPLACIAN)).stddev[0]
    return (
        tones / 8
        + min(detail / 32, 1.0)
        + min(statistics.stddev[0] / 64, 1.0)
        + _exposure(statistics.mean[0])
        - _dominant_tone(gray)
    )


def _exposure(mean: float) -> float:
    """Returns 0 for a normally bright picture, down to -1 for a black or a white one."""
    if mean < _DARKEST_AVERAGE:
        return mean / _DARKEST_AVERAGE - 1
    if mean > _BRIGHTEST_AVERAGE:
        return (255 - mean) / (255 - _BRIGHTEST_AVERAGE) - 1
    return 0.0


def _dominant_tone(gray: Image.Image) -> float:
    """Returns which share of the picture the most frequent of 16 tones covers, 0 to 1."""
    histogram = gray.histogram()
    width = len(histogram) // _TONES
    tones = [sum(histogram[start : start + width]) for start in range(0, len(histogram), width)]
    return max(tones) / (gray.width * gray.height)
