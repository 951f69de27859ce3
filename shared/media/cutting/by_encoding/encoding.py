"""Cutting and converting by encoding: exact to the frame from any film, playable in any browser.

Pictures and sound are decoded from the keyframe before the start; what is before the start is
thrown away, so that nothing of it is in the new file.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
from av import AudioFrame, Packet, VideoFrame
from av.container import InputContainer, OutputContainer

from shared.errors import CutOutOfRange
from shared.media.cutting.by_encoding.decoding import decoded, packets_from_keyframe
from shared.media.cutting.by_encoding.encoders import VideoEncoder, add_sound, add_video
from shared.media.cutting.by_encoding.filters import BrowserFrames
from shared.media.cutting.by_encoding.frame_times import FrameTimes
from shared.media.cutting.by_encoding.sound import SoundConverter, time_of
from shared.media.cutting.muxed import Emit, Mp4Output
from shared.media.cutting.packets import CopiedFilm
from shared.media.inspect.tracks import Tracks
from shared.media.pictures.picture import Size
from shared.media.reading.source import SourceFile
from shared.model.cut_method import Accuracy

# A time that was written with three decimals still means the frame that it names.
_TOLERANCE = Fraction(1, 2000)
_SHORT_MOMENT = Fraction(1, 25)
LARGEST_PICTURE: Size = (1920, 1080)

type Check = Callable[[], None]


def encode(
    container: InputContainer,
    file: SourceFile,
    tracks: Tracks,
    start: float,
    end: float,
    encoder: VideoEncoder,
    emit: Emit,
    *,
    block: int,
    check: Check = lambda: None,
    zero: Fraction | None = None,
) -> CopiedFilm:
    """Encodes what is shown from `start` to `end`, in seconds from the container's beginning.

    Where that is a stretch of a longer film, they count from `zero` on its clock, it is read from
    where it begins, and NoKeyframe is raised if that is too late. `check` is called for every
    packet and may raise to end the work. Raises CutOutOfRange where nothing is shown in the range,
    UnplayableClip for limits of reading and for damage.
    """
    is_stretch = zero is not None
    zero = Fraction(container.start_time or 0, av.time_base) if zero is None else zero
    first, last = Fraction(start) + zero, Fraction(end) + zero
    output = Mp4Output(emit, block)
    with output.opened() as muxer:
        work = _Work(muxer, container, tracks, first, last, encoder)
        for packet in packets_from_keyframe(container, file, tracks, first, is_stretch=is_stretch):
            check()
            work.take(packet)
            if work.is_done:
                break
        work.finish()
    file.check()
    if work.begin is None:
        raise CutOutOfRange("Nothing is shown in this range.")
    span, beginning = output.finish(0, float(last - first) + 60, Accuracy.KEYFRAME)
    begin = work.begin - zero
    return CopiedFilm(begin, begin + span.end - span.start, beginning, output.media_bytes)


class _Work:
    """Decodes, converts and encodes packet by packet; times are those of the source."""

    def __init__(
        self,
        muxer: OutputContainer,
        container: InputContainer,
        tracks: Tracks,
        first: Fraction,
        last: Fraction,
        encoder: VideoEncoder,
    ) -> None:
        self._muxer = muxer
        self._tracks = tracks
        self._first, self._last = first + _TOLERANCE, last - _TOLERANCE
        self.begin: Fraction | None = None if tracks.video else first
        self._held: VideoFrame | None = None
        self._done = {id(s): False for s in (tracks.video, tracks.audio) if s is not None}
        if tracks.video is not None:
            self._times = FrameTimes(container, tracks.video)
            self._frames = BrowserFrames(tracks.video, tracks.orientation, LARGEST_PICTURE)
            self._video = add_video(muxer, encoder, self._frames.size, tracks.video)
        if tracks.audio is not None:
            self._audio = add_sound(muxer, encoder)
            self._sound = SoundConverter(self._audio)
            self._early: list[AudioFrame] = []

    @property
    def is_done(self) -> bool:
        return all(self._done.values())

    def take(self, packet: "Packet[Any] | None", stream: object = None) -> None:
        """Works on one packet; None with a stream is that stream's end."""
        of = packet.stream if packet is not None else stream
        if of is self._tracks.video and self._tracks.video is not None:
            for frame in decoded(self._tracks.video, packet):
                self._times.give(frame)
                self._picture(frame)
        elif of is self._tracks.audio and self._tracks.audio is not None:
            for sound in decoded(self._tracks.audio, packet):
                self._hear(sound)

    def finish(self) -> None:
        """Encodes what the decoders, filters and encoders still hold."""
        for stream in (self._tracks.video, self._tracks.audio):
            if not self._done.get(id(stream), True):
                self.take(None, stream)
        if self._tracks.video is not None:
            if self._held is not None and _end_of(self._held) > self._first:
                self._show(self._held)  # the last picture of the film
            for frame in self._frames.rest():
                self._muxer.mux(self._video.encode(frame))
            self._muxer.mux(self._video.encode(None))
        if self._tracks.audio is not None:
            self._hear_early()
            for sound in self._sound.rest():
                self._muxer.mux(self._audio.encode(sound))
            self._muxer.mux(self._audio.encode(None))

    def _picture(self, frame: VideoFrame) -> None:
        """The clip begins with the last frame at or before the start, known by the next one."""
        time = time_of(frame)
        if time is None or self._done[id(self._tracks.video)]:
            return
        if time <= self._first:
            self._held = frame
            return
        if self._held is not None:
            held, self._held = self._held, None
            self._show(held)
        if time >= self._last:
            self._done[id(self._tracks.video)] = True
        else:
            self._show(frame)

    def _show(self, frame: VideoFrame) -> None:
        time = time_of(frame)
        if time is None or frame.time_base is None:
            return
        if self.begin is None:
            self.begin = time
        base = Fraction(frame.time_base.num, frame.time_base.den)
        frame.pts = round((time - self.begin) / base)
        frame.pict_type = 0  # the encoder decides, whatever it was in the source
        for converted in self._frames.converted(frame):
            self._muxer.mux(self._video.encode(converted))

    def _hear(self, frame: AudioFrame) -> None:
        time = time_of(frame)
        if time is None:
            return
        if time >= self._last:
            self._done[id(self._tracks.audio)] = True
        elif self.begin is None:
            self._early.append(frame)  # the first picture decides from when the sound is heard
        else:
            self._hear_early()
            self._encode_sound(frame, self.begin)

    def _hear_early(self) -> None:
        early, self._early = self._early, []
        for frame in early if self.begin is not None else ():
            self._encode_sound(frame, self.begin or Fraction(0))

    def _encode_sound(self, frame: AudioFrame, begin: Fraction) -> None:
        for sound in self._sound.from_(frame, begin, self._last + _TOLERANCE):
            self._muxer.mux(self._audio.encode(sound))


def _end_of(frame: VideoFrame) -> Fraction:
    """When a frame is no longer shown, if none follows it; a moment later where that is unknown."""
    time = time_of(frame)
    if time is None or frame.time_base is None:
        return Fraction(0)
    base = Fraction(frame.time_base.num, frame.time_base.den)
    return time + (frame.duration * base if frame.duration else _SHORT_MOMENT)
