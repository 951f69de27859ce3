"""How long a file lasts, measured where headers may be wrong.

AVI, FLV and Matroska have their length in a header that many programs fill in wrongly, or not at
all. One look at the end shows when the last picture or sound is.
"""

from fractions import Fraction

import av
from av.container import InputContainer

from shared.media.inspect.broadcast import last_tag_seconds
from shared.media.inspect.frame_rates import HEADERS_THAT_LIE, Pace
from shared.media.inspect.guessed_lengths import has_guessed_length
from shared.media.inspect.layout import Layout, TrackKind
from shared.media.inspect.matroska import last_block_seconds
from shared.media.inspect.tracks import Tracks
from shared.media.reading.bounds import (
    believable_seconds,
    is_believable_time,
    ticks_for_ffmpeg,
)
from shared.media.reading.container import is_damage, rewind
from shared.media.reading.source import SourceFile

# A recording without a length is read through to learn it, if it is no larger than this and its
# end does not say.
_SCANNED_BYTES = 24 * 1024 * 1024

# A header is used if it is this near to the measured value: a share, or seconds.
_NEAR_SHARE, _NEAR_SECONDS = 0.02, 0.25

# In these FFmpeg finds the last packets by bisection.
_MEASURED_AT_END = frozenset(("mpeg", "asf"))


def duration(
    container: InputContainer,
    tracks: Tracks,
    layout: Layout,
    file: SourceFile,
    pace: Pace,
) -> float | None:
    """Returns the length of a file in seconds, None if it is unknown or implausible.

    `pace` says for how long the last frame is shown. Raises what FFmpeg and the source raise.
    """
    declared = believable_seconds(_declared_seconds(container, tracks, layout))
    begin = _begin(container, tracks, pace)
    last_frame = 1 / pace.rate if pace.rate else 0.0
    end = _measured_end(container, tracks, layout, file)
    if end is not None and is_believable_time(end) and end + last_frame > begin:
        length = end + last_frame - begin
        if declared is not None and _is_near(declared, length):
            return declared
        return believable_seconds(round(length, 6))
    lies = layout.is_matroska or container.format.name in HEADERS_THAT_LIE
    guessed = has_guessed_length(container.format.name, file)
    if (declared is None or lies or guessed) and file.size <= _SCANNED_BYTES:
        return believable_seconds(_scanned_seconds(container, tracks, layout, file)) or declared
    return declared


def _begin(container: InputContainer, tracks: Tracks, pace: Pace) -> float:
    """Returns when the first picture or sound begins, in seconds."""
    start: int | None = container.start_time  # PyAV's types leave None out
    if start is not None:
        return start / av.time_base
    if tracks.video is None or pace.first is None:
        return 0.0
    return float(pace.first * Fraction(tracks.video.time_base.num, tracks.video.time_base.den))


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
    is_sound_in_ts = container.format.name == "mpegts" and tracks.video is None
    if container.format.name in _MEASURED_AT_END or is_sound_in_ts:
        return _last_seconds(container, tracks, file)
    return None


def _last_seconds(container: InputContainer, tracks: Tracks, file: SourceFile) -> float | None:
    """Returns when the last packet begins, found by the length that FFmpeg has.

    The header of an ASF may have none or count from time zero, and the last pictures of an MPEG-PS
    and the last sounds of an MPEG-TS may have no time of their own.
    """
    try:
        container.seek(ticks_for_ffmpeg((container.start_time or 0) + (container.duration or 0)))
    except av.FFmpegError as error:
        if not is_damage(error):
            raise
        return None
    reach = _reach(container, tracks, file)
    return float(reach[1]) if reach else None


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
    follows: dict[int, int] = {}
    for packet in container.demux(*streams):
        file.check()
        time = packet.dts if packet.pts is None else packet.pts
        if time is None and packet.size:  # one of several pictures with one time
            time = follows.get(packet.stream_index)
        if time is not None:
            follows[packet.stream_index] = time + (packet.duration or 0)
            base = Fraction(packet.time_base.num, packet.time_base.den)
            begin, end = time * base, follows[packet.stream_index] * base
            if is_believable_time(begin) and is_believable_time(end):
                times.append((begin, end))
        if file.bytes_read > last_byte:
            times.clear()  # the end was not reached
            break
    rewind(container, file, *streams)
    if not times:
        return None
    return min(times)[0], max(times)[0], max(end for _, end in times)
