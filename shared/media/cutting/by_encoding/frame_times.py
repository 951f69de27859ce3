"""Times of decoded pictures where the container does not give each of them one."""

from fractions import Fraction

from av import VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

_COMMON_RATE = Fraction(25)


class FrameTimes:
    """Dates pictures in the order in which the decoder shows them."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        # What AVI has are numbers of the decoding order: right for keyframes only.
        self._is_counted = container.format.name == "avi" and bool(
            stream.codec_context.has_b_frames
        )
        stated, base = stream.average_rate, stream.time_base
        rate = Fraction(stated.num, stated.den) if stated else _COMMON_RATE
        self._step = max(1, round(1 / (rate * Fraction(base.num, base.den))))
        self._last: int | None = None

    def give(self, frame: VideoFrame) -> None:
        """Dates the next picture: later than the one before, as encoders need it.

        One before the first that has a time stays without.
        """
        stored, last = frame.pts, self._last
        if last is not None:
            following = last + self._step
            if stored is None or stored <= last or (self._is_counted and not frame.key_frame):
                frame.pts = following
            elif self._is_counted:
                frame.pts = max(stored, following)
        self._last = frame.pts
