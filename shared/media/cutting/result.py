"""Whether a new film shows what it should: it is opened and decoded like any uploaded clip."""

from shared.media.failures import FailureCode, unplayable
from shared.media.media_file import opened
from shared.media.reading.byte_source import ByteSource
from shared.model.playability import Playback

_SMALL_PICTURE = 64


def check_film(film: ByteSource, *, has_picture: bool) -> Playback:
    """Decodes the first picture of a new film, and returns where the film plays.

    `has_picture` says whether its source shows one. Raises UnplayableClip where the film cannot
    be opened, has no picture although it should, or none that can be decoded; and any exception
    of the source, unchanged.
    """
    with opened(film) as file:
        if has_picture:
            if file.media.video is None:
                raise unplayable(FailureCode.UNDECODABLE)
            file.frame_at(0, _SMALL_PICTURE)
        return file.playback
