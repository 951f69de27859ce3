"""From a decoded frame to a picture on a screen: right colours, square pixels, upright, small."""

from av import FFmpegError, VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from shared.media.failures import FailureCode, unplayable
from shared.media.inspect.probe import pixel_shape
from shared.media.pictures.color import hdr_of, to_srgb
from shared.media.pictures.orientation import Orientation
from shared.media.pictures.picture import Size, displayed_size, upright, within
from shared.media.reading.container import is_damage


class Renderer:
    """Makes pictures of the frames of one track."""

    def __init__(self, stream: VideoStream, orientation: Orientation) -> None:
        self._pixel_shape = pixel_shape(stream)
        self._hdr = hdr_of(stream.codec_context.color_trc)
        self._orientation = orientation

    def picture(self, frame: VideoFrame, box: Size) -> Image.Image:
        """Return `frame` as it is seen, shrunk into `box` (width, height) and never enlarged.

        Raises:
            UnplayableClip: `undecodable`, the pixel format cannot be converted.
        """
        displayed = displayed_size(
            (frame.width, frame.height), self._pixel_shape, self._orientation
        )
        width, height = within(displayed, box)
        coded = (height, width) if self._orientation.sideways else (width, height)
        try:
            image = self._converted(frame, coded)
        except FFmpegError as error:
            if not is_damage(error):
                raise
            raise unplayable(FailureCode.UNDECODABLE) from error
        return upright(image, self._orientation)

    def _converted(self, frame: VideoFrame, size: Size) -> Image.Image:
        if frame.interlaced_frame:
            return self._one_field(frame, size)
        return to_srgb(frame, size, self._hdr)

    def _one_field(self, frame: VideoFrame, size: Size) -> Image.Image:
        """Leave every second row out: the two fields show different moments, and would comb."""
        woven = to_srgb(frame, (size[0], frame.height), self._hdr)
        field = woven.resize((size[0], max(1, frame.height // 2)), Image.Resampling.NEAREST)
        return field.resize(size, Image.Resampling.BICUBIC)
