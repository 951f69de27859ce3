"""Why a file cannot become a clip: every code, each with the sentence that its owner reads.

The codes are stable: programs test them, and the documentation enumerates this class.
This module knows nothing of FFmpeg; what becomes which code is decided where it is noticed.
"""

from enum import StrEnum
from typing import Self

from shared.errors import UnplayableClip


class FailureCode(StrEnum):
    """A stable code; `sentence` says what is wrong with the file and what its owner can do."""

    sentence: str

    def __new__(cls, code: str, sentence: str) -> Self:
        """Let a member be written as its code and its sentence."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member

    EMPTY_FILE = (
        "empty_file",
        "The file is empty. Upload it again and let the upload finish.",
    )
    NOT_A_VIDEO = (
        "not_a_video",
        (
            "The file is not a video or sound file of a supported format. Upload an MP4, MOV, WebM,"
            " MKV, MPEG-TS, AVI or sound file; playlists and pictures are not accepted."
        ),
    )
    TRUNCATED = (
        "truncated",
        (
            "The end of the file is missing: the upload or the recording stopped too early. "
            "Upload the complete file again."
        ),
    )
    NO_PLAYABLE_STREAM = (
        "no_playable_stream",
        (
            "The file holds neither a picture track nor a sound track that can be decoded. "
            "Export it again, for example as MP4 with H.264 and AAC."
        ),
    )
    DIMENSIONS_TOO_LARGE = (
        "dimensions_too_large",
        (
            "The picture has more pixels than an 8K film (8192 by 4352). "
            "Export it again with a smaller picture."
        ),
    )
    UNDECODABLE = (
        "undecodable",
        (
            "The file is damaged: its contents cannot be decoded. "
            "Check that it plays on your computer, export it again and upload the new file."
        ),
    )
    TOO_SLOW = (
        "too_slow",
        (
            "Looking into the file took too long. Export it again, for example as MP4 with H.264 "
            "and AAC, and upload the new file."
        ),
    )
    TOO_MUCH_READING = (
        "too_much_reading",
        (
            "The file is laid out so that far too much of it must be read to describe it. "
            "Export it again, for example as MP4 with H.264 and AAC, and upload the new file."
        ),
    )


def unplayable(code: FailureCode) -> UnplayableClip:
    """Return the error for `code`, to be raised by the caller."""
    return UnplayableClip(code.value, code.sentence)
