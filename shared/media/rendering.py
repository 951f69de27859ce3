"""From a decoded frame to a picture on a screen: right colours, square pixels, upright, small."""

from av import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from shared.media.color import hdr_of, to_srgb
from shared.media.orientation import Orientation
from shared.media.picture import Size, displayed_size, upright, within
from shared.media.probe import pixel_shape


class Renderer:
    """Makes pictures of the frames of one track."""

    def __init__(self, stream: VideoStream, orientation: Orientation) -> None:
        self._pixel_shape = pixel_shape(stream)
        self._hdr = hdr_of(stream.codec_context.color_trc)
        self._orientation = orientation

    def picture(self, frame: VideoFrame, box: Size) -> Image.Image:
        """Return `frame` as it is seen, shrunk into `box` (width, height) and never enlarged.

        Raises:
            av.FFmpegError: the pixel format cannot be converted.
        """
        displayed = displayed_size(
            (frame.width, frame.height), self._pixel_shape, self._orientation
        )
        width, height = within(displayed, box)
        coded = (height, width) if self._orientation.sideways else (width, height)
        return upright(to_srgb(frame, coded, self._hdr), self._orientation)
