"""Whether a container says when each picture is shown.

AVI stores pictures in the order in which they are decoded, without any time; an MPEG program stream
gives a time to some of them. Where pictures are shown in another order than they are decoded in
(B-frames), only a decoder knows their order.
"""

from av.container import InputContainer
from av.video.stream import VideoStream

# Their times FFmpeg does not work out from the types of pictures.
_UNTIMED_CODECS = {"h264", "hevc", "vvc"}


def lacks_display_times(container: InputContainer, picture: VideoStream) -> bool:
    """Whether the packets of a picture track have no times with which they could be copied."""
    context = picture.codec_context
    match container.format.name:
        case "avi":
            return bool(context.has_b_frames)
        case "mpeg":
            return context.codec.canonical_name in _UNTIMED_CODECS
        case _:
            return False
