"""Which numbers of a file are plausible: the only place that limits times and lengths.

A damaged or hostile file can hold any 64-bit number. Nothing beyond these bounds is published,
and nothing that would overflow in FFmpeg is handed to it.
"""

from fractions import Fraction

# The longest film, in seconds: some 115 days. Positions of the API end here too.
LONGEST_SECONDS = 10_000_000.0

# Live recordings count from 1970, in seconds 10 digits; what exceeds that is damage.
_FARTHEST_SECONDS = 10_000_000_000

# What high-speed cameras write, and the uncompressed film of the largest picture.
_MOST_FRAMES_A_SECOND = 1000.0
_USUAL_RATES = (1.0, 240.0)
_MOST_BITS_A_SECOND = 10**12

# FFmpeg keeps time stamps in signed 64-bit integers, scales them by up to 10^9 and adds to them.
# The smallest number of all means "unknown".
_MOST_TICKS = 2**62

# No time stamp that FFmpeg can reckon with is earlier.
BEFORE_ALL_TICKS = -_MOST_TICKS


def believable_seconds(seconds: float | None) -> float | None:
    """Returns a length in seconds; None for one that is not positive, or longer than any film."""
    return seconds if seconds is not None and 0 < seconds <= LONGEST_SECONDS else None


def is_believable_time(seconds: float | Fraction) -> bool:
    """Whether a picture or a sound can have this time stamp, given in seconds."""
    return -_FARTHEST_SECONDS <= seconds <= _FARTHEST_SECONDS


def ticks_for_ffmpeg(timestamp: int) -> int:
    """Returns `timestamp` within what FFmpeg can hold and reckon with, in any time base."""
    return min(max(timestamp, -_MOST_TICKS), _MOST_TICKS)


def believable_rate(rate: float | None) -> float | None:
    """Returns frames a second; None for what no film has."""
    return rate if rate is not None and 0 < rate <= _MOST_FRAMES_A_SECOND else None


def is_usual_rate(rate: float | None) -> bool:
    """Whether frames a second need no second look."""
    return rate is not None and _USUAL_RATES[0] <= rate <= _USUAL_RATES[1]


def is_too_fast(rate: float) -> bool:
    """Whether frames a second are so many that something else has to confirm them."""
    return rate > _USUAL_RATES[1]


def believable_bit_rate(size: int, seconds: float | None) -> int | None:
    """Returns the bits a second of a file of `size` bytes; None for what no film has."""
    rate = int(size * 8 / seconds) if seconds else 0
    return rate if 0 < rate <= _MOST_BITS_A_SECOND else None
