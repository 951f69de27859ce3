"""Cutting by copying packets: Matroska, MPEG-TS, fragmented MP4, AVI, FLV become a plain MP4.

The picture begins at the keyframe at or before the wanted start. Nothing is decoded.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer, OutputContainer
from av.video.frame import PictureType
from av.video.stream import VideoStream

from shared.media.cutting.by_index.mp4_selection import FARTHEST_KEYFRAME
from shared.media.cutting.muxed import Emit, Mp4Output
from shared.media.cutting.packet_times import (
    AnyPacket,
    MediaStream,
    base_of,
    decoded_at,
    delay,
    shown_at,
    timed_packets,
    whole_units,
)
from shared.media.cutting.unsuitable import Unsuitable
from shared.media.inspect.display_times import lacks_display_times
from shared.media.reading.container import goes_to_first_place, is_damage
from shared.media.reading.source import SourceFile
from shared.model.cut_method import Accuracy

# By how many seconds to look further back where a seek came out behind the start: MPEG-TS is
# searched by decoding times, and without knowing keyframes.
STEPS_BACK = (Fraction(0), Fraction(2), Fraction(4), Fraction(8), Fraction(16))
# Sound before the start that a decoder needs (Opus: 80 ms), and some room for uneven storage.
_SOUND_BEFORE = Fraction(1, 4)
# How far behind the picture sound may be stored.
_LATEST_SOUND = Fraction(5)
# What the clocks of containers round away, in seconds.
_ROUNDING = Fraction(1, 500)
# The most bytes between a keyframe and the start; a film with more is encoded instead.
_MOST_WAITING_BYTES = 64 * 1024 * 1024
# The names of codecs in the new film: Safari plays HEVC under this name only.
_TAGS = {"hevc": "hvc1"}


class NoKeyframe(Unsuitable):
    """There is no keyframe at or before the start, in what was searched."""


@dataclass(frozen=True, slots=True)
class CopiedFilm:
    """A copied film: its span in seconds of the source, and what stands before its media."""

    start: Fraction
    end: Fraction
    beginning: bytes
    media_bytes: int


def copy_packets(
    container: InputContainer,
    file: SourceFile,
    streams: Sequence[MediaStream],
    start: float,
    end: float,
    accuracy: Accuracy,
    emit: Emit,
    *,
    block: int,
    zero: Fraction | None = None,
) -> CopiedFilm:
    """Copies `streams`, the main one first, from `start` to `end`.

    Times are seconds from the beginning of the container, or from `zero` on its clock where that
    is a stretch of a longer film: it is read from where it begins. Raises CutOutOfRange;
    Unsuitable where a codec does not fit into MP4, and of these NoKeyframe, before anything is
    emitted; UnplayableClip for limits of reading.
    """
    check_display_times(container, streams[0])
    is_stretch = zero is not None
    zero = Fraction(container.start_time or 0, av.time_base) if zero is None else zero
    first = zero + Fraction(start)
    packets = _from_keyframe(container, file, streams, first, is_stretch=is_stretch)
    key = next(packets)
    _check_beginning(key, zero, first)
    origin = whole_units(min(decoded_at(key), shown_at(key)) - _SOUND_BEFORE, streams)
    output = Mp4Output(emit, block)
    with no_place_in_mp4(), output.opened() as muxer:
        targets = {stream.index: added(muxer, stream) for stream in streams}
        for packet in _needed(packets, key, len(streams), zero + Fraction(end)):
            delay(packet, -origin)
            packet.stream = targets[packet.stream.index]
            muxer.mux(packet)
    file.check()
    shift = origin - zero  # the time of the source at which the clock of the new film shows zero
    span, beginning = output.finish(
        float(Fraction(start) - shift), float(Fraction(end) - shift), accuracy
    )
    return CopiedFilm(span.start + shift, span.end + shift, beginning, output.media_bytes)


def check_display_times(container: InputContainer, main: MediaStream) -> None:
    """Raises Unsuitable where the order of the pictures is known to their decoder alone."""
    if isinstance(main, VideoStream) and lacks_display_times(container, main):
        raise Unsuitable("the container does not say when pictures are shown")


def _check_beginning(key: AnyPacket, zero: Fraction, start: Fraction) -> None:
    """Raises Unsuitable where a clip may not begin with this keyframe."""
    if shown_at(key) < zero - _ROUNDING:
        raise Unsuitable("the keyframe before the start is hidden by an edit list")
    if start - shown_at(key) > FARTHEST_KEYFRAME:
        raise Unsuitable("the keyframes are too far apart")
    if isinstance(key.stream, VideoStream) and not gives_picture(key):
        raise Unsuitable("its keyframes give no pictures alone")


def gives_picture(key: AnyPacket) -> bool:
    """Whether a keyframe can be decoded alone: recovery points of intra refresh cannot."""
    context = key.stream.codec_context
    try:
        frames = [*context.decode(key), *context.decode(None)]
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, av.FFmpegError) and not is_damage(error):
            raise
        return False
    finally:
        context.flush_buffers()
    return any(not frame.is_corrupt or frame.pict_type == PictureType.I for frame in frames)


def _from_keyframe(
    container: InputContainer,
    file: SourceFile,
    streams: Sequence[MediaStream],
    start: Fraction,
    *,
    is_stretch: bool,
) -> Iterator[AnyPacket]:
    """The last keyframe of the main stream at or before `start`, and all packets from there on.

    Sound that is stored before the keyframe and heard after it follows the keyframe.
    """
    main = streams[0]
    first = Fraction(container.start_time or 0, av.time_base)
    for back in STEPS_BACK[:1] if is_stretch else STEPS_BACK:
        from_the_beginning = not is_stretch and start - back <= first
        if not is_stretch:  # which is read from where it begins
            seek_keyframe(container, main, None if from_the_beginning else start - back)
        packets = timed_packets(container, file, streams)
        if early := _up_to(start, packets, main, may_be_later=from_the_beginning):
            yield from early
            yield from packets
            return
        if from_the_beginning:
            break
    raise NoKeyframe("there is no keyframe")


def _up_to(
    start: Fraction, packets: Iterator[AnyPacket], main: MediaStream, *, may_be_later: bool
) -> Sequence[AnyPacket]:
    """The last keyframe of `main` at or before `start`, and what was read behind it.

    Empty if there is none; with `may_be_later` the first one after `start` counts then.
    """
    waiting: list[AnyPacket] = []
    found = False
    for packet in packets:
        if packet.stream is not main:
            waiting.append(packet)
            continue
        if packet.is_keyframe and (shown_at(packet) <= start or (may_be_later and not found)):
            heard = shown_at(packet) - _SOUND_BEFORE
            sound = (p for p in waiting if p.stream is not main and shown_at(p) >= heard)
            waiting, found = [packet, *sound], True
        elif found:
            waiting.append(packet)
        if decoded_at(packet) > start and (found or not may_be_later):
            break
        if sum(p.size for p in waiting) > _MOST_WAITING_BYTES:
            raise Unsuitable("the keyframes are too far apart")
    return waiting if found else []


def seek_keyframe(container: InputContainer, main: MediaStream, time: Fraction | None) -> None:
    """Goes to the keyframe before a time, or to the beginning."""
    if time is None and goes_to_first_place(container):
        return
    begin = min(0, main.start_time or 0)
    container.seek(begin if time is None else int(time / base_of(main)), stream=main)


def _needed(
    packets: Iterator[AnyPacket], key: AnyPacket, streams: int, end: Fraction
) -> Iterator[AnyPacket]:
    """The packets up to `end`, and of the main stream those up to the next frame behind it.

    That frame says how long the last one is shown; the new index leaves it out.
    """
    done = set[int]()
    next_shown: Fraction | None = None
    yield key
    for packet in packets:
        index, shown = packet.stream.index, shown_at(packet)
        if index != key.stream.index:
            if shown >= end:
                done.add(index)
            else:
                yield packet
        elif next_shown is not None and decoded_at(packet) >= next_shown:
            done.add(index)
        else:
            if shown >= end:
                next_shown = min(shown, next_shown or shown)
            yield packet
        if len(done) == streams or (key.stream.index in done and shown > end + _LATEST_SOUND):
            return


def added(muxer: OutputContainer, source: MediaStream) -> MediaStream:
    """A track of the new film that takes the packets of `source` as they are."""
    target = muxer.add_stream_from_template(source, opaque=True)
    tag = _TAGS.get(source.codec_context.codec.canonical_name)
    if tag:
        target.codec_tag = tag
    language = source.metadata.get("language")
    if language:
        target.metadata["language"] = language
    return target


@contextmanager
def no_place_in_mp4() -> Iterator[None]:
    """Turns what the muxer refuses into Unsuitable: the clip is then encoded."""
    try:
        yield
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, MemoryError):
            raise
        raise Unsuitable(f"the codec does not fit into an MP4: {error}") from error
