"""How long a file lasts and how many frames a second it has, measured where headers may be wrong.

AVI, FLV and Matroska have their length in a header that many programs fill in wrongly, or not at
all. One look at the end shows when the last picture or sound is. Frame rates of containers that do
not count their samples are measured in the first packets.
"""

from fractions import Fraction
from itertools import pairwise
from statistics import median

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from shared.media.inspect.broadcast import last_tag_seconds
from shared.media.inspect.layout import Layout, TrackKind
from shared.media.inspect.matroska import last_block_seconds
from shared.media.inspect.tracks import Tracks
from shared.media.reading.bounds import (
    believable_rate,
    believable_seconds,
    is_believable_time,
    is_too_fast,
    is_usual_rate,
    ticks_for_ffmpeg,
)
from shared.media.reading.container import rewind
from shared.media.reading.source import SourceFile

# A recording without a length is read through to learn it, if it is no larger than this and its
# end does not say.
_SCANNED_BYTES = 24 * 1024 * 1024

# A header is used if it is this near to the measured value: a share, or seconds.
_NEAR_SHARE, _NEAR_SECONDS = 0.02, 0.25

# So many packets are enough to measure a frame rate; reading stops after so many bytes, too.
_RATE_PACKETS = 48
_RATE_BYTES = 2 * 1024 * 1024
_FEWEST_DISTANCES = 4
_NEAR_RATE = 0.1

# A pace is even if so many distances are the same: one frame of 48 may last longer.
_EVEN_SHARE = 0.9

# FFmpeg measures these itself, and gives each field of an interlaced picture its own packet.
_RATES_FROM_FFMPEG = frozenset(("mpegts", "mpeg"))
_HEADERS_THAT_LIE = frozenset(("avi", "flv"))


def frame_rate(
    container: InputContainer, stream: VideoStream, layout: Layout, file: SourceFile
) -> float | None:
    """Returns frames a second: the header's where it counts samples or is not far from the truth.

    None if it is unknown, or beyond reason and not confirmed. Raises what FFmpeg and the source
    raise.
    """
    average = stream.average_rate
    declared = believable_rate(average.num / average.den if average and average.den > 0 else None)
    name = container.format.name
    counted = stream.frames > 0 and name not in _HEADERS_THAT_LIE
    if name in _RATES_FROM_FFMPEG or (counted and is_usual_rate(declared)):
        return declared
    distances = _distances(container, stream, file)
    measured = believable_rate(_measured_rate(distances, stream))
    rate = declared
    if measured is not None and not _is_better(declared, measured, distances, layout):
        rate = measured
    return None if rate and layout.doubtful_rate_at and is_too_fast(rate) else rate


def _is_better(
    declared: float | None, measured: float, distances: list[int], layout: Layout
) -> bool:
    """Whether a header's rate is nearer to the truth than what a few rounded time stamps say.

    That of a fragmented MP4 is a mean, to which one long frame adds: an even pace says more.
    """
    if not declared or abs(declared - measured) > _NEAR_RATE * measured:
        return False
    even = distances.count(round(median(distances)))
    return not layout.fragmented or even < _EVEN_SHARE * len(distances)


def duration(
    container: InputContainer,
    tracks: Tracks,
    layout: Layout,
    file: SourceFile,
    rate: float | None,
) -> float | None:
    """Returns the length of a file in seconds, None if it is unknown or implausible.

    `rate` is frames a second, for how long the last one is shown. Raises what FFmpeg and the
    source raise.
    """
    declared = believable_seconds(_declared_seconds(container, tracks, layout))
    begin = max(0.0, (container.start_time or 0) / av.time_base)
    last_frame = 1 / rate if rate else 0.0
    end = _measured_end(container, tracks, layout, file)
    if end is not None and is_believable_time(end) and end + last_frame > begin:
        end += last_frame
        if declared is not None and (_is_near(declared, end) or _is_near(declared, end - begin)):
            return declared
        return believable_seconds(round(end - begin, 6))
    lies = layout.is_matroska or container.format.name in _HEADERS_THAT_LIE
    if (declared is None or lies) and file.size <= _SCANNED_BYTES:
        return believable_seconds(_scanned_seconds(container, tracks, layout, file)) or declared
    return declared


def _declared_seconds(container: InputContainer, tracks: Tracks, layout: Layout) -> float:
    """Returns the length by the headers, 0 if they do not say.

    Where an edit list hides the beginning of a fragmented MP4, FFmpeg moves that in front of time
    zero and counts it. Where edit lists show nothing at first, FFmpeg leaves that out.
    """
    start = container.start_time or 0
    length = (container.duration or 0) / av.time_base
    if not layout.fragmented or start >= 0:
        return _with_empty_beginning(length, start / av.time_base, tracks, layout)
    hidden = {track.number: track.hidden_before for track in layout.tracks}
    ends = [Fraction(0)]
    for stream in (tracks.video, tracks.audio):
        if stream is not None and stream.duration:
            base = Fraction(stream.time_base.num, stream.time_base.den)
            ends.append((stream.duration - hidden.get(stream.id, 0)) * base)
    return round(float(max(ends)), 6)


def _with_empty_beginning(length: float, start: float, tracks: Tracks, layout: Layout) -> float:
    """Returns the length with what is empty in front of the first sound and picture."""
    numbers = {stream.id for stream in (tracks.video, tracks.audio) if stream is not None}
    late = [t for t in layout.tracks if layout.is_mp4 and t.begins_empty and t.number in numbers]
    if not late or start <= 0 or length <= 0:
        return length
    if layout.fragmented:
        return length + start
    edited = max(float(sum(edit.seconds for edit in track.edits)) for track in late)
    return max(length, min(length + start, edited))


def _is_near(declared: float, measured: float) -> bool:
    return abs(declared - measured) <= max(_NEAR_SECONDS, _NEAR_SHARE * measured)


def _measured_end(
    container: InputContainer, tracks: Tracks, layout: Layout, file: SourceFile
) -> float | None:
    """Returns when the last picture or sound begins, in seconds; None if the end does not say."""
    if layout.is_matroska:
        wanted = (TrackKind.PICTURE, TrackKind.SOUND)
        return last_block_seconds(file, [t.number for t in layout.tracks if t.kind in wanted])
    if container.format.name == "flv":
        return last_tag_seconds(file)
    if container.format.name == "avi":
        return _last_indexed_seconds(container, tracks, file)
    return None


def _last_indexed_seconds(
    container: InputContainer, tracks: Tracks, file: SourceFile
) -> float | None:
    """Returns when the last packet of an AVI begins, if its index reaches over the whole file.

    The index counts sound in units that FFmpeg does not expose: packets are read from the last
    keyframe on instead.
    """
    stream = tracks.video or tracks.audio
    if stream is None:
        return None
    entries = stream.index_entries
    if len(entries) == 0 or entries[-1].pos < file.size / 2:
        return None
    container.seek(ticks_for_ffmpeg(entries[-1].timestamp), stream=stream)
    reach = _reach(container, tracks, file)
    return float(reach[1]) if reach else None


def _distances(container: InputContainer, stream: VideoStream, file: SourceFile) -> list[int]:
    """Returns what lies between the time stamps of the first packets, in the time base."""
    times = set()
    last_byte = file.bytes_read + _RATE_BYTES
    for packet in container.demux(stream):
        file.check()
        # An AVI has no other times; FFmpeg guesses those at which its frames are shown.
        time = packet.dts if container.format.name == "avi" else packet.pts
        if packet.size and time is not None:
            times.add(time)
        if len(times) == _RATE_PACKETS or file.bytes_read > last_byte:
            break
    rewind(container, file, stream)
    ordered = sorted(times)
    return [after - before for before, after in pairwise(ordered)]


def _measured_rate(distances: list[int], stream: VideoStream) -> float | None:
    """Returns frames a second by the distances of time stamps, None if these are too few."""
    if len(distances) < _FEWEST_DISTANCES:
        return None
    # Time stamps are rounded, so the mean of those near the median is more exact than that.
    middle = median(distances)
    near = [distance for distance in distances if abs(distance - middle) <= middle / 2]
    return len(near) / float(sum(near) * Fraction(stream.time_base.num, stream.time_base.den))


def _scanned_seconds(
    container: InputContainer, tracks: Tracks, layout: Layout, file: SourceFile
) -> float | None:
    """Returns how far the packets of the whole file reach; those of an MP4 are shown from 0 on."""
    reach = _reach(container, tracks, file)
    if reach is None:
        return None
    begin = max(reach[0], Fraction(0)) if layout.is_mp4 else reach[0]
    return round(float(reach[2] - begin), 6)


def _reach(
    container: InputContainer, tracks: Tracks, file: SourceFile
) -> tuple[Fraction, Fraction, Fraction] | None:
    """Reads on to the end; returns the first and the last time, and when the last packet ends."""
    streams = [stream for stream in (tracks.video, tracks.audio) if stream is not None]
    times: list[tuple[Fraction, Fraction]] = []
    last_byte = file.bytes_read + _SCANNED_BYTES
    for packet in container.demux(*streams):
        file.check()
        time = packet.dts if packet.pts is None else packet.pts
        if time is not None:
            base = Fraction(packet.time_base.num, packet.time_base.den)
            begin, end = time * base, (time + (packet.duration or 0)) * base
            if is_believable_time(begin) and is_believable_time(end):
                times.append((begin, end))
        if file.bytes_read > last_byte:
            times.clear()  # the end was not reached
            break
    rewind(container, file, *streams)
    if not times:
        return None
    return min(times)[0], max(times)[0], max(end for _, end in times)
