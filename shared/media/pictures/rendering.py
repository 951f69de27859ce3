"""From a decoded frame to a picture on a screen: right colours, square pixels, upright, small."""

import math

from av import FFmpegError, VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from shared.media.failures import FailureCode, unplayable
from shared.media.inspect.probe import pixel_shape
from shared.media.pictures.color import hdr_of, to_srgb
from shared.media.pictures.cropping import Cropping, cropping_of
from shared.media.pictures.orientation import Orientation
from shared.media.pictures.picture import Size, displayed_size, upright, within
from shared.media.reading.container import is_damage


class Renderer:
    """Makes pictures of the frames of one track."""

    def __init__(self, stream: VideoStream, orientation: Orientation) -> None:
        self._pixel_shape = pixel_shape(stream)
        self._hdr = hdr_of(stream.codec_context.color_trc)
        self._orientation = orientation
        self._cropping = cropping_of(stream)
        self._coded = (stream.codec_context.width, stream.codec_context.height)

    def picture(self, frame: VideoFrame, box: Size) -> Image.Image:
        """Returns `frame` as it is seen, shrunk into `box` (width, height) and never enlarged.

        Raises UnplayableClip (`undecodable`) when the pixel format cannot be converted.
        """
        coded = (frame.width, frame.height)
        cropping = self._cropping if coded == self._coded else Cropping()
        displayed = displayed_size(cropping.size(coded), self._pixel_shape, self._orientation)
        width, height = within(displayed, box)
        size = (height, width) if self._orientation.sideways else (width, height)
        try:
            image = self._cropped(frame, size, cropping)
        except FFmpegError as error:
            if not is_damage(error):
                raise
            raise unplayable(FailureCode.UNDECODABLE) from error
        return upright(image, self._orientation)

    def _cropped(self, frame: VideoFrame, size: Size, cropping: Cropping) -> Image.Image:
        """Converts the whole frame in the scale at which its shown part has `size`, and cuts it."""
        if cropping == Cropping():
            return self._converted(frame, size)
        shown = cropping.size((frame.width, frame.height))
        box = cropping.box((frame.width, frame.height))
        scale = size[0] / shown[0], size[1] / shown[1]
        whole = max(1, round(frame.width * scale[0])), max(1, round(frame.height * scale[1]))
        image = self._converted(frame, whole)
        left, top = math.ceil(box[0] * scale[0]), math.ceil(box[1] * scale[1])
        right, bottom = math.floor(box[2] * scale[0]), math.floor(box[3] * scale[1])
        cut = image.crop((left, top, max(left + 1, right), max(top + 1, bottom)))
        return cut if cut.size == size else cut.resize(size, Image.Resampling.BICUBIC)

    def _converted(self, frame: VideoFrame, size: Size) -> Image.Image:
        if frame.interlaced_frame:
            return self._one_field(frame, size)
        return to_srgb(frame, size, self._hdr)

    def _one_field(self, frame: VideoFrame, size: Size) -> Image.Image:
        """Leaves every second row out: the two fields show different moments, and would comb."""
        woven = to_srgb(frame, (size[0], frame.height), self._hdr)
        field = woven.resize((size[0], max(1, frame.height // 2)), Image.Resampling.NEAREST)
        return field.resize(size, Image.Resampling.BICUBIC)
