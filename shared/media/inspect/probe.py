"""From an open container to `shared.model.Media`, the contract's `media` block.

Reads no picture: everything here is in the headers, except the length of a live recording.
"""

from dataclasses import dataclass
from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from shared.media.failures import FailureCode, unplayable
from shared.media.inspect.formats import (
    COLOR_PRIMARIES,
    COLOR_RANGES,
    COLOR_SPACES,
    COLOR_TRANSFERS,
    short_name,
)
from shared.media.inspect.layout import Layout
from shared.media.inspect.live_matroska import last_block_seconds
from shared.media.pictures.color import hdr_of
from shared.media.pictures.orientation import Orientation, orientation_of
from shared.media.pictures.picture import displayed_size
from shared.media.reading.source import Limits, SourceFile
from shared.model import AudioTrack, Media, VideoTrack

_SCANNED_BYTES = 24 * 1024 * 1024
"""A recording without a length is read through to learn it, if it is no larger than this and its
end does not tell."""

_MATROSKA = frozenset(("matroska", "webm"))

_INDEX_TAIL = 256
"""Samples lie in a file about in the order of the index, so the last ones reach its end."""


@dataclass(frozen=True, slots=True)
class Tracks:
    """The tracks that count: picture, sound, and the cover picture of a sound file."""

    video: VideoStream | None
    audio: AudioStream | None
    cover: VideoStream | None

    @property
    def orientation(self) -> Orientation:
        """Which way up the picture is."""
        return _orientation(self.video) if self.video else Orientation()


def find_tracks(container: InputContainer, limits: Limits) -> Tracks:
    """Choose the first playable track of each kind; the rest is ignored.

    Raises:
        UnplayableClip: `no_playable_stream` or `dimensions_too_large`.
    """
    videos = [s for s in container.streams.video if s.codec_context is not None and s.width > 0]
    pictures = [s for s in videos if not _is_still(s)]
    covers = [s for s in videos if _is_still(s) and s.width * s.height <= limits.max_pixels]
    sounds = [
        s for s in container.streams.audio if s.codec_context is not None and s.sample_rate > 0
    ]
    if not pictures and not sounds:
        raise unplayable(FailureCode.NO_PLAYABLE_STREAM)
    if pictures and pictures[0].width * pictures[0].height > limits.max_pixels:
        raise unplayable(FailureCode.DIMENSIONS_TOO_LARGE)
    return Tracks(
        video=pictures[0] if pictures else None,
        audio=sounds[0] if sounds else None,
        cover=covers[0] if covers else None,
    )


def describe(container: InputContainer, tracks: Tracks, layout: Layout, file: SourceFile) -> Media:
    """Return the media block of an open file."""
    duration = _duration(container, tracks, layout, file)
    return Media(
        container=layout.container or short_name(container.format.name),
        duration=duration,
        bit_rate=int(file.size * 8 / duration) if duration else None,
        fast_start=layout.fast_start,
        video=_video(tracks.video) if tracks.video else None,
        audio=_audio(tracks.audio) if tracks.audio else None,
    )


def check_complete(tracks: Tracks, layout: Layout, file: SourceFile) -> None:
    """Refuse a file whose sample index points behind its end: FFmpeg itself would end silently.

    Raises:
        UnplayableClip: `truncated`.
    """
    if not layout.is_mp4:
        return
    for stream in (tracks.video, tracks.audio):
        entries = stream.index_entries[-_INDEX_TAIL:] if stream else []
        if any(entry.pos + entry.size > file.size for entry in entries):
            raise unplayable(FailureCode.TRUNCATED)


def _is_still(stream: VideoStream) -> bool:
    """Tell cover art and chapter pictures from film."""
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _duration(
    container: InputContainer, tracks: Tracks, layout: Layout, file: SourceFile
) -> float | None:
    """Return seconds as FFmpeg reckons them, else as far as the packets of the file reach."""
    if container.duration is not None and container.duration > 0:
        return container.duration / av.time_base
    if layout.container in _MATROSKA:
        end = last_block_seconds(file)
        if end is not None:
            begin = max(0, container.start_time or 0) / av.time_base
            return round(end - begin + _frame_seconds(tracks), 6) if end > begin else None
    if file.size > _SCANNED_BYTES:
        return None
    return _scanned_duration(container, tracks)


def _frame_seconds(tracks: Tracks) -> float:
    """Return how long the last frame is shown."""
    rate = tracks.video.average_rate if tracks.video else None
    return rate.den / rate.num if rate and rate.num > 0 and rate.den > 0 else 0.0


def _scanned_duration(container: InputContainer, tracks: Tracks) -> float | None:
    streams = [stream for stream in (tracks.video, tracks.audio) if stream is not None]
    begin, end = None, None
    for packet in container.demux(*streams):
        if packet.pts is None:
            continue
        time_base = Fraction(packet.time_base.num, packet.time_base.den)
        first, last = packet.pts * time_base, (packet.pts + (packet.duration or 0)) * time_base
        begin = first if begin is None else min(begin, first)
        end = last if end is None else max(end, last)
    container.seek(0)
    if begin is None or end is None or end <= begin:
        return None
    return round(float(end - begin), 6)


def pixel_shape(stream: VideoStream) -> Fraction:
    """Return the sample aspect ratio, 0 when unknown."""
    ratio = stream.sample_aspect_ratio
    return Fraction(ratio.num, ratio.den) if ratio and ratio.den > 0 else Fraction(0)


def _orientation(stream: VideoStream) -> Orientation:
    return orientation_of(stream.codec_context.coded_side_data.get("display_matrix"))


def _video(stream: VideoStream) -> VideoTrack:
    context = stream.codec_context
    orientation = _orientation(stream)
    coded = (context.width, context.height)
    width, height = displayed_size(coded, pixel_shape(stream), orientation)
    rate = stream.average_rate
    return VideoTrack(
        codec=context.codec.canonical_name,
        profile=context.profile,
        width=width,
        height=height,
        coded_width=coded[0],
        coded_height=coded[1],
        rotation=orientation.rotation,
        frame_rate=float(rate) if rate and rate.den > 0 else None,
        pixel_format=context.pix_fmt,
        hdr=hdr_of(context.color_trc),
        color_primaries=COLOR_PRIMARIES.get(context.color_primaries),
        color_transfer=COLOR_TRANSFERS.get(context.color_trc),
        color_space=COLOR_SPACES.get(context.colorspace),
        color_range=COLOR_RANGES.get(context.color_range),
    )


def _audio(stream: AudioStream) -> AudioTrack:
    return AudioTrack(
        codec=stream.codec_context.codec.canonical_name,
        channels=stream.codec_context.channels,
        sample_rate=stream.sample_rate,
    )
