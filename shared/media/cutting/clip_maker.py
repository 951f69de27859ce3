"""Clips out of a source that FFmpeg reads, under the guards of every film: copied or encoded."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from shared.media.cutting.encoders import ENCODERS
from shared.media.cutting.encoding import Tracks, encode
from shared.media.cutting.mp4_index import Unsuitable
from shared.media.cutting.muxed import Emit
from shared.media.cutting.new_sound import encode_sound
from shared.media.cutting.packets import CopiedFilm, copy_packets
from shared.media.failures import FailureCode, unplayable
from shared.media.inspect.layout import read_layout
from shared.media.inspect.probe import find_tracks
from shared.media.inspect.sample_tables import check_sample_tables
from shared.media.reading.container import open_container
from shared.media.reading.memory import bounded_memory
from shared.media.reading.source import ByteSource, Limits, SourceFile
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
    with _opened(source, limits) as (container, file):
        tracks = find_tracks(container, limits)
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
    with _opened(source, limits) as (container, file):
        tracks = find_tracks(container, limits)
        return encode(
            container,
            file,
            Tracks(tracks.video, tracks.audio, tracks.orientation),
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
    with _opened(source, limits) as (container, file):
        tracks = find_tracks(container, limits)
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


@contextmanager
def _opened(source: ByteSource, limits: Limits) -> Iterator[tuple[InputContainer, SourceFile]]:
    file = SourceFile(source, limits, time.monotonic)
    if file.size == 0:
        raise unplayable(FailureCode.EMPTY_FILE)
    layout = read_layout(file)
    if layout.is_mp4:
        check_sample_tables(file)
    with bounded_memory(), open_container(file, limits, layout) as container:
        yield container, file
