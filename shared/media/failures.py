"""Why a file cannot become a clip: every code, each with the sentence that its owner reads.

The codes are stable: programs test them, and the documentation enumerates this class. This module
knows nothing of FFmpeg; the code that finds a fault chooses its failure code.
"""

from enum import StrEnum

from shared.errors import UnplayableClip


class FailureCode(StrEnum):
    """What is wrong with a file; `sentence` says it, and what to do, to the file's owner."""

    EMPTY_FILE = "empty_file"
    NOT_A_VIDEO = "not_a_video"
    TRUNCATED = "truncated"
    NO_PLAYABLE_STREAM = "no_playable_stream"
    DIMENSIONS_TOO_LARGE = "dimensions_too_large"
    ENCRYPTED = "encrypted"
    UNDECODABLE = "undecodable"
    TOO_SLOW = "too_slow"
    TOO_MUCH_READING = "too_much_reading"
    TOO_MUCH_MEMORY = "too_much_memory"

    @property
    def sentence(self) -> str:
        """What is wrong and what the owner of the file can do about it."""
        return _SENTENCES[self]


_SENTENCES = {
    FailureCode.EMPTY_FILE: ("The file is empty. Upload it again and let the upload finish."),
    FailureCode.NOT_A_VIDEO: (
        "The file is not a video or sound file of a supported format. Upload an MP4, MOV, WebM, "
        "MKV, MPEG-TS, AVI or sound file; playlists and pictures are not accepted."
    ),
    FailureCode.TRUNCATED: (
        "The end of the file is missing: the upload or the recording stopped too early. "
        "Upload the complete file again."
    ),
    FailureCode.NO_PLAYABLE_STREAM: (
        "The file holds neither a picture track nor a sound track that can be decoded. "
        "Export it again, for example as MP4 with H.264 and AAC."
    ),
    FailureCode.DIMENSIONS_TOO_LARGE: (
        "The picture has more pixels than an 8K film (8192 by 4352). "
        "Export it again with a smaller picture."
    ),
    FailureCode.ENCRYPTED: (
        "The film is encrypted (copy protection, DRM), so it cannot be shown. "
        "Export it without protection and upload the new file."
    ),
    FailureCode.UNDECODABLE: (
        "The file is damaged: its contents cannot be decoded. "
        "Check that it plays on your computer, export it again and upload the new file."
    ),
    FailureCode.TOO_SLOW: (
        "Reading the file took too long. "
        "Export it again, for example as MP4 with H.264 and AAC, and upload the new file."
    ),
    FailureCode.TOO_MUCH_READING: (
        "The file is laid out so that far too much of it must be read to describe it. "
        "Export it again, for example as MP4 with H.264 and AAC, and upload the new file."
    ),
    FailureCode.TOO_MUCH_MEMORY: (
        "Decoding the file takes too much memory. "
        "Export it again, for example as MP4 with H.264 and AAC, and upload the new file."
    ),
}


def unplayable(code: FailureCode) -> UnplayableClip:
    """Returns the error for `code`, to be raised by the caller."""
    return UnplayableClip(code.value, code.sentence)
