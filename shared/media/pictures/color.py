"""From a decoded frame to 8-bit sRGB: matrix, range, and HDR brought down to a normal screen.

Knows nothing of where a frame comes from, which way up it is or how it is stored.

Sources: ITU-R BT.2100 (PQ and HLG), BT.2390 section 5.4.1 (the roll-off of highlights),
BT.2408 (203 cd/m2 as the level of white), BT.2087 (BT.2020 to BT.709), IEC 61966-2-1 (sRGB).
"""

import math
from functools import cache

from av import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, ColorTrc, Interpolation
from PIL import Image, ImageFilter

from shared.model.media import Hdr

# Steps a side: 120 ms to build, once in a process, for a mean error of 1.5 levels; 17 err by 3.
_LUT_SIDE = 33
_SHAPE = 2.4
_WHITE_NITS = 203.0

# What HDR is graded for in practice, and HLG's nominal display; brighter is shown as this.
_PEAK_NITS = 1000.0

_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
_HD_WIDTH, _SD_HEIGHT = 1280, 576


def hdr_of(transfer: int) -> Hdr:
    """Returns the kind of a transfer, given as its H.273 code point."""
    if transfer == ColorTrc.SMPTE2084:
        return Hdr.HDR10
    return Hdr.HLG if transfer == ColorTrc.ARIB_STD_B67 else Hdr.SDR


def to_srgb(frame: VideoFrame, size: tuple[int, int], hdr: Hdr) -> Image.Image:
    """Returns `frame` scaled to `size` (width, height) in pixels, in the colours of a screen.

    Raises av.FFmpegError when the pixel format cannot be converted.
    """
    converted = frame.reformat(
        width=size[0],
        height=size[1],
        format="rgb24",
        src_colorspace=matrix_of(frame),
        src_color_range=range_of(frame),
        interpolation=Interpolation.AREA
        | Interpolation.ACCURATE_RND
        | Interpolation.FULL_CHR_H_INT,
    )
    plane = converted.planes[0]
    # Not PyAV's `to_image`, which copies row by row. Rows that go up have a negative size.
    row, upward = abs(plane.line_size), -1 if plane.line_size < 0 else 1
    image = Image.frombytes("RGB", size, memoryview(plane), "raw", "RGB", row, upward)
    if hdr is Hdr.SDR:
        return image
    return image.point(_shaper(hdr) * 3).filter(_lut(hdr))


def matrix_of(frame: VideoFrame) -> Colorspace | None:
    """Returns the matrix of YUV to RGB: as tagged, else by size as players do.

    FFmpeg takes BT.601 for all that is untagged, which shifts the colours of HD.
    """
    if frame.format.is_rgb:
        return None
    is_hd = frame.width >= _HD_WIDTH or frame.height > _SD_HEIGHT
    return _MATRICES.get(frame.colorspace, Colorspace.ITU709 if is_hd else Colorspace.ITU601)


def range_of(frame: VideoFrame) -> ColorRange | None:
    """Returns the full range where it is used, None for the usual one."""
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    return ColorRange.JPEG if full else None


@cache
def _shaper(hdr: Hdr) -> list[int]:
    """Returns the table from HDR codes to "shaped" ones: light to the power of 1/2.4.

    PQ doubles its light within a few steps of a table of colours, between which Pillow
    interpolates straight; in this scale it does not.
    """
    to_light = _pq_to_light if hdr is Hdr.HDR10 else _hlg_to_light
    shares = [min(to_light(code / 255), 1.0) for code in range(256)]
    return [round(255 * share ** (1 / _SHAPE)) for share in shares]


def screen_color(hdr: Hdr, code: tuple[float, float, float]) -> tuple[float, float, float]:
    """The colour of a screen (sRGB, 0 to 1) for one of an HDR picture (BT.2020, codes 0 to 1)."""
    to_light = _pq_to_light if hdr is Hdr.HDR10 else _hlg_to_light
    red, green, blue = (min(to_light(part), 1.0) for part in code)
    return _tone_mapped(
        _displayed_hlg((red, green, blue)) if hdr is Hdr.HLG else (red, green, blue)
    )


@cache
def _lut(hdr: Hdr) -> ImageFilter.Color3DLUT:
    """Returns the table from shaped HDR to sRGB."""

    def convert(red: float, green: float, blue: float) -> tuple[float, float, float]:
        light = (red**_SHAPE, green**_SHAPE, blue**_SHAPE)
        return _tone_mapped(_displayed_hlg(light) if hdr is Hdr.HLG else light)

    return ImageFilter.Color3DLUT.generate(_LUT_SIDE, convert)


# Red, green and blue of BT.2020, as shares of the peak (1000 cd/m2 once displayed).
type _Light = tuple[float, float, float]


def _displayed_hlg(scene: _Light) -> _Light:
    """Applies the system gamma of HLG: 1.2 on a display of 1000 cd/m2."""
    red, green, blue = scene
    gain = (0.2627 * red + 0.6780 * green + 0.0593 * blue) ** 0.2
    return red * gain, green * gain, blue * gain


def _tone_mapped(light: _Light) -> tuple[float, float, float]:
    """Rolls the highlights off by the strongest component, so that hues stay what they are."""
    strongest = max(light) * _PEAK_NITS
    gain = _rolled_off(strongest) / strongest * _PEAK_NITS / _WHITE_NITS if strongest > 0 else 0.0
    red, green, blue = (component * gain for component in light)
    return (
        _srgb(1.6605 * red - 0.5876 * green - 0.0728 * blue),
        _srgb(-0.1246 * red + 1.1329 * green - 0.0083 * blue),
        _srgb(-0.0182 * red - 0.1006 * green + 1.1187 * blue),
    )


def _rolled_off(nits: float) -> float:
    """Maps 0 to 1000 cd/m2 into 0 to 203: the Hermite spline of BT.2390, on PQ values."""
    peak = _nits_to_pq(_PEAK_NITS)
    ceiling = _nits_to_pq(_WHITE_NITS) / peak
    knee = 1.5 * ceiling - 0.5
    value = min(_nits_to_pq(nits) / peak, 1.0)
    if value > knee:
        t = (value - knee) / (1 - knee)
        value = (
            (2 * t**3 - 3 * t**2 + 1) * knee
            + (t**3 - 2 * t**2 + t) * (1 - knee)
            + (-2 * t**3 + 3 * t**2) * ceiling
        )
    return _pq_to_nits(value * peak)


_PQ_M1, _PQ_M2 = 2610 / 16384, 2523 / 4096 * 128
_PQ_C1, _PQ_C2, _PQ_C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def _pq_to_nits(value: float) -> float:
    power = value ** (1 / _PQ_M2)
    linear: float = (max(power - _PQ_C1, 0.0) / (_PQ_C2 - _PQ_C3 * power)) ** (1 / _PQ_M1)
    return 10_000 * linear


def _nits_to_pq(nits: float) -> float:
    power = (nits / 10_000) ** _PQ_M1
    value: float = ((_PQ_C1 + _PQ_C2 * power) / (1 + _PQ_C3 * power)) ** _PQ_M2
    return value


def _pq_to_light(value: float) -> float:
    return _pq_to_nits(value) / _PEAK_NITS


def _hlg_to_light(value: float) -> float:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    if value <= 0.5:  # noqa: PLR2004 - where BT.2100 changes from root to logarithm
        return value * value / 3
    linear: float = (math.exp((value - c) / a) + b) / 12
    return linear


def _srgb(linear: float) -> float:
    linear = min(max(linear, 0.0), 1.0)
    if linear <= 0.0031308:  # noqa: PLR2004 - where IEC 61966-2-1 changes from line to curve
        return 12.92 * linear
    curved: float = 1.055 * linear ** (1 / 2.4) - 0.055
    return curved
