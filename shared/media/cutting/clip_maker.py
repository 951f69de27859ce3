"""Clips out of a source that FFmpeg reads, under the guards of every film: copied or encoded."""

from collections.abc import Callable
from dataclasses import dataclass

from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from shared.media.cutting.encoders import ENCODERS
from shared.media.cutting.encoding import encode
from shared.media.cutting.mp4_index import Unsuitable
from shared.media.cutting.muxed import Emit
from shared.media.cutting.new_sound import encode_sound
from shared.media.cutting.packets import CopiedFilm, copy_packets
from shared.media.media_file import opened_tracks
from shared.media.reading.source import ByteSource, Limits
from shared.model import Accuracy


@dataclass(frozen=True, slots=True, kw_only=True)
class CutRange:
    """What is wanted of a source: seconds from its beginning, and how exactly."""

    start: float
    end: float
    accuracy: Accuracy


def copy_clip(
    source: ByteSource, wanted: CutRange, emit: Emit, *, block: int, limits: Limits
) -> CopiedFilm:
    """Copies packets into an MP4; see `packets.copy_packets`."""
    with opened_tracks(source, limits) as (container, file, tracks):
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
        )


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
    with opened_tracks(source, limits) as (container, file, tracks):
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
        )


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
