"""Reads the packets of a film from a keyframe on, and decodes them."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
from av import Packet
from av.container import InputContainer
from av.video.stream import VideoStream

from shared.media.cutting.packets import STEPS_BACK, NoKeyframe, gives_picture, seek_keyframe
from shared.media.inspect.tracks import Tracks
from shared.media.reading.source import SourceFile

# How much sound is decoded before the start, as the decoder needs it.
_SOUND_BEFORE = Fraction(1, 4)
# How many seconds intra refresh takes to bring up a whole picture: x264 refreshes it in the time
# between two keyframes, by default 250 frames.
_LONGEST_RECOVERY = 10


def packets_from_keyframe(
    container: InputContainer,
    file: SourceFile,
    tracks: Tracks,
    first: Fraction,
    *,
    is_stretch: bool,
) -> Iterator["Packet[Any]"]:
    """The packets from a keyframe before `first` on, or from the beginning."""
    streams: Sequence[Any] = [stream for stream in (tracks.video, tracks.audio) if stream]
    main = streams[0]
    base = Fraction(main.time_base.num, main.time_base.den)
    begin = Fraction(container.start_time or 0, av.time_base)
    for back in STEPS_BACK[:1] if is_stretch else STEPS_BACK:
        before = first - _SOUND_BEFORE - back
        from_the_beginning = not is_stretch and (before <= begin or back == STEPS_BACK[-1])
        if not is_stretch:
            seek_keyframe(container, main, None if from_the_beginning else before)
        packets = (packet for packet in container.demux(*streams) if packet.size)
        early: list[Packet[Any]] = []
        for packet in packets:
            file.check()
            early.append(packet)
            if packet.stream is main and packet.is_keyframe:
                break
        last = early[-1] if early else None
        in_time = last is not None and last.pts is not None and _is_early(last, base, first)
        if in_time or from_the_beginning:
            yield from early
            for packet in packets:
                file.check()
                yield packet
            return
    raise NoKeyframe("there is no keyframe")


def _is_early(key: "Packet[Any]", base: Fraction, first: Fraction) -> bool:
    """Whether the picture is whole at `first` if decoding begins with this keyframe."""
    is_picture = isinstance(key.stream, VideoStream)
    recovery = 0 if not is_picture or gives_picture(key) else _LONGEST_RECOVERY
    return key.pts is not None and key.pts * base <= first - recovery


def decoded(stream: Any, packet: "Packet[Any] | None") -> list[Any]:  # noqa: ANN401 - picture or sound
    """The frames of a packet; a damaged packet gives none, and the film continues after it."""
    try:
        frames: list[Any] = stream.codec_context.decode(packet)
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError):
        return []
    return frames
