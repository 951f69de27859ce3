"""How many frames a second a film has, measured in the first packets where headers may be wrong."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import median, median_low

from av.container import InputContainer
from av.video.stream import VideoStream

from shared.media.inspect.layout import Layout
from shared.media.reading.bounds import believable_rate, is_too_fast, is_usual_rate
from shared.media.reading.container import rewind
from shared.media.reading.source import SourceFile

# So many packets are enough to measure a frame rate; reading stops after so many bytes, too.
_RATE_PACKETS = 48
_RATE_BYTES = 2 * 1024 * 1024
_FEWEST_DISTANCES = 4
_NEAR_RATE = 0.1

# A pace is even if so many distances are the same: one frame of 48 may last longer.
_EVEN_SHARE = 0.9

# In MPEG-TS each field of an interlaced picture has its own packet, which FFmpeg knows. But where
# pictures are seconds apart, it says what the data of the codec claims.
_FAR_TOO_FAST = 2.5

# Many programs write what they planned, not what they wrote.
HEADERS_THAT_LIE = frozenset(("avi", "flv"))


@dataclass(frozen=True, slots=True)
class Pace:
    """How the frames of a film follow each other.

    `rate` is frames a second, None if it is unknown, or beyond reason and not confirmed. `first` is
    the earliest time stamp that was seen, in the time base; None where none was looked at.
    """

    rate: float | None = None
    first: int | None = None


def pace_of(
    container: InputContainer, stream: VideoStream, layout: Layout, file: SourceFile
) -> Pace:
    """Returns the header's rate where it counts samples or is not far from what is measured.

    Raises what FFmpeg and the source raise.
    """
    average = stream.average_rate
    declared = believable_rate(average.num / average.den if average and average.den > 0 else None)
    name = container.format.name
    counted = stream.frames > 0 and name not in HEADERS_THAT_LIE
    if name == "mpeg" or (counted and is_usual_rate(declared)):
        return Pace(declared)
    times, distances = _first_times(container, stream, file)
    first = min(times, default=None) if name != "avi" else None
    measured = believable_rate(_measured_rate(distances, stream))
    rate = declared
    if measured is not None and not _is_better(declared, measured, distances, name, layout):
        rate = measured
    is_doubtful = rate and layout.doubtful_rate_at and is_too_fast(rate)
    return Pace(None if is_doubtful else rate, first)


def _is_better(
    declared: float | None, measured: float, distances: list[int], name: str, layout: Layout
) -> bool:
    """Whether a header's rate is nearer to the truth than what a few rounded time stamps say.

    That of a fragmented MP4 is a mean, to which one long frame adds: an even pace says more.
    """
    if not declared:
        return False
    if name == "mpegts":
        return declared < _FAR_TOO_FAST * measured
    if abs(declared - measured) > _NEAR_RATE * measured:
        return False
    return not (layout.fragmented and _is_even(distances))


def _is_even(distances: list[int]) -> bool:
    return distances.count(round(median(distances))) >= _EVEN_SHARE * len(distances)


def _first_times(
    container: InputContainer, stream: VideoStream, file: SourceFile
) -> tuple[set[int], list[int]]:
    """Returns the time stamps of the first packets, and what lies between them.

    Of two pictures between which others have no time, nothing is learnt: then nothing lies between.
    """
    times: set[int] = set()
    untimed = False
    last_byte = file.bytes_read + _RATE_BYTES
    for packet in container.demux(stream):
        file.check()
        # An AVI has no other times; FFmpeg guesses those at which its frames are shown.
        time = packet.dts if container.format.name == "avi" else packet.pts
        untimed |= packet.size > 0 and time is None
        if packet.size and time is not None:
            times.add(time)
        if untimed or len(times) == _RATE_PACKETS or file.bytes_read > last_byte:
            break
    rewind(container, file, stream)
    ordered = [] if untimed else sorted(times)
    return times, [after - before for before, after in pairwise(ordered)]


def _measured_rate(distances: list[int], stream: VideoStream) -> float | None:
    """Returns frames a second by the distances of time stamps, None if these are too few."""
    if len(distances) < _FEWEST_DISTANCES:
        return None
    middle = median_low(distances)  # one of them: that between two may be near none
    if _is_even(distances):
        return stream.time_base.den / (stream.time_base.num * middle)
    # Time stamps are rounded, so the mean of those near the median is more exact than that.
    near = [distance for distance in distances if abs(distance - middle) <= middle / 2]
    return len(near) / float(sum(near) * Fraction(stream.time_base.num, stream.time_base.den))
