"""Clips out of a source that FFmpeg reads, under the guards of every film: copied or encoded."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from shared.media.cutting.by_encoding.encoders import ENCODERS
from shared.media.cutting.by_encoding.encoding import encode
from shared.media.cutting.by_encoding.new_sound import encode_sound
from shared.media.cutting.muxed import Emit
from shared.media.cutting.packets import CopiedFilm, NoKeyframe, copy_packets
from shared.media.cutting.unsuitable import Unsuitable
from shared.media.cutting.without_index.entries import entries_of
from shared.media.cutting.without_index.stretches import Search
from shared.media.inspect.tracks import Tracks
from shared.media.media_file import opened_tracks
from shared.media.reading.byte_source import ByteSource, Limits
from shared.media.reading.source import SourceFile
from shared.model.cut_method import Accuracy

# A range that begins within so many seconds is read from the beginning of the film: a search costs
# as much.
_BEGINNING = 5.0

type OpenedTracks = tuple[InputContainer, SourceFile, Tracks]


@dataclass(frozen=True, slots=True, kw_only=True)
class CutRange:
    """The range to cut, in seconds from the beginning of the source, and how exact it has to be."""

    start: float
    end: float
    accuracy: Accuracy


def copy_clip(
    source: ByteSource, wanted: CutRange, emit: Emit, *, block: int, limits: Limits
) -> CopiedFilm:
    """Copies packets into an MP4; see `packets.copy_packets`."""

    def copy(film: OpenedTracks, zero: Fraction | None) -> CopiedFilm:
        container, file, tracks = film
        streams: list[VideoStream | AudioStream] = [
            stream for stream in container.streams.audio if stream.codec_context is not None
        ]
        if tracks.video is not None:
            streams.insert(0, tracks.video)
        return copy_packets(
            container,
            file,
            streams,
            wanted.start,
            wanted.end,
            wanted.accuracy,
            emit,
            block=block,
            zero=zero,
        )

    return _from_stretch(source, wanted, limits, copy)


def encode_clip(
    source: ByteSource,
    wanted: CutRange,
    encoder: str,
    emit: Emit,
    *,
    block: int,
    limits: Limits,
    check: Callable[[], None],
) -> CopiedFilm:
    """Encodes what is shown in the range; see `encoding.encode`."""

    def encode_film(film: OpenedTracks, zero: Fraction | None) -> CopiedFilm:
        container, file, tracks = film
        return encode(
            container,
            file,
            tracks,
            wanted.start,
            wanted.end,
            ENCODERS[encoder],
            emit,
            block=block,
            check=check,
            zero=zero,
        )

    return _from_stretch(source, wanted, limits, encode_film)


def _from_stretch(
    source: ByteSource,
    wanted: CutRange,
    limits: Limits,
    work: Callable[[OpenedTracks, Fraction | None], CopiedFilm],
) -> CopiedFilm:
    """Works on the film, or where it has no index on the stretch of it that shows the range.

    `work` is given the beginning of the whole film on the clock of the stretch.
    """
    entries = entries_of(source) if wanted.start > _BEGINNING else None
    search = Search(source, entries) if entries is not None else None
    if search is not None:
        with opened_tracks(search.beginning(), limits) as (container, *_):
            zero = Fraction(container.start_time or 0, av.time_base)
            seconds = container.duration / av.time_base if container.duration else None
        for stretch in search.stretches(
            float(zero) + wanted.start, float(zero) + wanted.end, seconds
        ):
            with opened_tracks(stretch, limits) as film:
                try:
                    return work(film, zero)
                except NoKeyframe:
                    continue
    with opened_tracks(source, limits) as film:
        return work(film, None)


def copy_picture(
    source: ByteSource,
    encoder: str,
    emit: Emit,
    *,
    block: int,
    limits: Limits,
    check: Callable[[], None],
) -> CopiedFilm:
    """The whole film with its picture copied and its sound encoded; see `new_sound`."""
    with opened_tracks(source, limits) as (container, file, tracks):
        if tracks.video is None or tracks.audio is None:
            raise Unsuitable("the film has no picture, or no sound")
        return encode_sound(
            container,
            file,
            tracks.video,
            tracks.audio,
            ENCODERS[encoder],
            emit,
            block=block,
            check=check,
        )
