"""A whole film with its picture copied and its sound encoded: for sound that few browsers play."""

from collections.abc import Callable
from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from shared.media.cutting.by_encoding.decoding import decoded
from shared.media.cutting.by_encoding.encoders import VideoEncoder, add_sound
from shared.media.cutting.by_encoding.sound import SoundConverter
from shared.media.cutting.muxed import Emit, Mp4Output
from shared.media.cutting.packet_times import delay, timed_packets, whole_units
from shared.media.cutting.packets import CopiedFilm, added, check_display_times, no_place_in_mp4
from shared.media.reading.source import SourceFile
from shared.model.cut_method import Accuracy

# Longer than any film: the end is where the film ends.
_ENDLESS = Fraction(10_000_000)


def encode_sound(
    container: InputContainer,
    file: SourceFile,
    video: VideoStream,
    audio: AudioStream,
    encoder: VideoEncoder,
    emit: Emit,
    *,
    block: int,
    check: Callable[[], None],
) -> CopiedFilm:
    """Copies the picture and encodes the sound; `check` is called for every packet.

    Raises Unsuitable where the picture does not fit into MP4, UnplayableClip for limits.
    """
    check_display_times(container, video)
    zero = Fraction(container.start_time or 0, av.time_base)
    origin = whole_units(zero, [video])
    output = Mp4Output(emit, block)
    with no_place_in_mp4(), output.opened() as muxer:
        picture, sound = added(muxer, video), add_sound(muxer, encoder)
        converter = SoundConverter(sound)
        for packet in timed_packets(container, file, [video, audio]):
            check()
            if packet.stream is video:
                delay(packet, -origin)
                packet.stream = picture
                muxer.mux(packet)
                continue
            for frame in decoded(audio, packet):
                for piece in converter.from_(frame, origin, _ENDLESS):
                    muxer.mux(sound.encode(piece))
        for piece in converter.rest():
            muxer.mux(sound.encode(piece))
        muxer.mux(sound.encode(None))
    file.check()
    span, beginning = output.finish(0, float(_ENDLESS), Accuracy.KEYFRAME)
    return CopiedFilm(span.start, span.end, beginning, output.media_bytes)
