"""Decoding the packets of a picture track, without the frames that are damaged.

A film whose every frame is damaged must fail, but a film with one damaged keyframe must not. For
H.264 FFmpeg guesses what damage left out of a picture, and does not say so. So H.264 is decoded
strictly at first, where each damaged packet is an error, and tolerantly only if that gives no frame
although most packets are whole.
"""

from typing import Any

import av
from av import Packet, VideoFrame
from av.codec.context import Flags
from av.video.stream import VideoStream

from shared.media.reading.container import another_decoder, is_damage

# Others do not find damage in their data, or also call it damage if a reference is missing.
_STRICT_FIRST = ("h264",)

# A film with more damaged frames than this for each whole frame counts as noise.
_DAMAGED_FOR_ONE_WHOLE = 4
# With fewer damaged frames the rule does not hold: in a short film one of them damages all that
# follow.
_DAMAGED_BEFORE_NOISE = 32

# Of noise, two thirds of the packets and more are errors; of a film with one damaged keyframe about
# one in ten.
_PACKETS_FOR_ONE_ERROR = 3

# An encoder with intra refresh renews the picture within so many frames unless asked for otherwise
# (x264, x265: `keyint`).
_REFRESH_FRAMES = 250
# In a stream, x265 begins each refresh with a sequence parameter set (NAL unit type 33).
_HEVC_PARAMETERS = b"\0\0\1\x42\1"
_PACKET_HEAD = 256


class Decoder:
    """The decoder of one picture track; `frames` is about how many frames the film has, or 0."""

    def __init__(self, stream: VideoStream, frames: int) -> None:
        self._stream = stream
        self._is_strict = stream.codec_context.name in _STRICT_FIRST
        self._context = (
            another_decoder(stream, strict=True) if self._is_strict else stream.codec_context
        )
        self._refresh_frames = min(_REFRESH_FRAMES, frames // 2) if frames else _REFRESH_FRAMES
        self._packets = self._keyframes = self._errors = 0
        self._whole = self._damaged = 0
        self._lacks_keyframe = False  # what refers to a damaged one is damaged, without a mark
        self._since_entry = self._refreshes = 0
        self.begins_anywhere = False

    @property
    def is_mostly_damaged(self) -> bool:
        """Whether nearly all frames so far are damaged: the others are then damaged too, unnoticed.

        Of noise, as decryption with a wrong key leaves it, decoders accept a frame now and then.
        """
        return self._damaged > max(_DAMAGED_BEFORE_NOISE, _DAMAGED_FOR_ONE_WHOLE * self._whole)

    def become_tolerant(self) -> bool:
        """From now on gives the best frames there are; for a film that gave no whole frame.

        False, without effect, where that would show noise or change nothing. A film may have
        neither a keyframe nor a recovery point (intra refresh, its beginning cut off): decoders
        withhold all of its frames, without an error. Then frames are given after a refresh from
        any packet on, which sets `begins_anywhere`.
        """
        if self._whole or self.begins_anywhere:
            return False
        # Some writers mark all frames as keyframes.
        lacks_keyframes = self._keyframes in (0, self._packets)
        self.begins_anywhere = lacks_keyframes and self._errors == 0
        is_noise = self._errors * _PACKETS_FOR_ONE_ERROR > self._packets
        if not self.begins_anywhere and (is_noise or not self._is_strict):
            return False
        self._is_strict = False
        self._context = another_decoder(self._stream, strict=False)
        if self.begins_anywhere:
            self._context.flags |= Flags.output_corrupt
        self._damaged = 0
        self.forget()
        return True

    def decode(self, packet: "Packet[Any] | None") -> list[VideoFrame]:
        """Returns the frames that one packet gives; damaged data and damaged frames give none.

        The film continues behind them. Raises MemoryError when memory was refused, which is no
        damage.
        """
        if packet is not None and packet.size:
            self._packets += 1
            self._keyframes += packet.is_keyframe
            if self.begins_anywhere:
                self._refreshes += _HEVC_PARAMETERS in bytes(packet)[:_PACKET_HEAD]
        try:
            frames = self._context.decode(packet)
        except av.FFmpegError as error:
            if not is_damage(error):
                raise
            self._errors += 1
            self._damaged += 1
            self._lacks_keyframe |= packet is not None and packet.is_keyframe
            return []
        except ValueError:  # PyAV's: the decoder could not be opened
            return []
        self._lacks_keyframe &= packet is None or not packet.is_keyframe
        whole = [each for each in frames if not (each.is_corrupt or self._lacks_keyframe)]
        if self.begins_anywhere:
            return whole or self._refreshed(frames)
        self._whole += len(whole)
        self._damaged += len(frames) - len(whole)
        return whole

    def decode_alone(self, packet: "Packet[Any]") -> VideoFrame | None:
        """Decodes one keyframe alone, and makes the decoder ready for the next."""
        frames = [*self.decode(packet), *self.decode(None)]
        self.forget()
        return frames[0] if frames else None

    def forget(self) -> None:
        """Resets the decoder: the next packets are from another place of the film."""
        self._context.flush_buffers()
        self._lacks_keyframe = False
        self._since_entry = self._refreshes = 0

    def _refreshed(self, frames: list[VideoFrame]) -> list[VideoFrame]:
        self._since_entry += len(frames)
        done = self._refreshes > 1 or self._since_entry > self._refresh_frames
        return frames if done else []
