"""Why a file is not moved, or not left out: codes for scripts, sentences for people."""

import os
from enum import StrEnum

from shared.errors import UnmovableFile


class Code(StrEnum):
    """What stands in a receipt as `code`; docs/migration.md lists them all."""

    NO_CLIP = "no_clip"
    MANY_CLIPS = "many_clips"
    BETTER_MATCH = "better_match"
    OTHER_CONTENTS = "other_contents"
    SYMLINK = "symlink"
    NO_PLAIN_FILE = "no_plain_file"
    UNREADABLE = "unreadable"
    VANISHED = "vanished"
    EMPTY = "empty_file"
    CHANGED = "changed_while_read"
    TOO_LARGE = "too_large"
    BLOB_DIFFERS = "blob_differs"
    BLOB_UNVERIFIED = "blob_unverified"
    CLIP_DELETED = "clip_deleted"
    REFUSED_ADDRESS = "refused_address"
    DOWNLOAD_FAILED = "download_failed"
    GAVE_UP = "gave_up"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Code.NO_CLIP: "No clip in the catalogue has this id or this old address.",
    Code.MANY_CLIPS: "Several clips had this file name; the folders do not tell which is meant.",
    Code.BETTER_MATCH: "Another file fits its clip better.",
    Code.OTHER_CONTENTS: "Another file fits the same clip as well and has other contents.",
    Code.SYMLINK: "It is a symbolic link; links are not followed.",
    Code.NO_PLAIN_FILE: "It is no plain file.",
    Code.UNREADABLE: "It cannot be read.",
    Code.VANISHED: "It is no longer there.",
    Code.EMPTY: "It is empty.",
    Code.CHANGED: "It changed while it was read. Run again when nobody writes to it.",
    Code.TOO_LARGE: "It is larger than a blob can be.",
    Code.BLOB_DIFFERS: "The clip's blob exists already and holds other bytes.",
    Code.BLOB_UNVERIFIED: (
        "The clip's blob exists already, and storage does not know its MD5 yet. "
        "The cleanup computes it, up to 8 GiB; run again later."
    ),
    Code.CLIP_DELETED: "The clip was deleted meanwhile.",
    Code.REFUSED_ADDRESS: "The old address must not be fetched from.",
    Code.DOWNLOAD_FAILED: "The old address does not deliver the file.",
    Code.GAVE_UP: "Five attempts were cut off. The log tells more.",
}


def unmovable(code: Code, because: str | None = None) -> UnmovableFile:
    detail = f"{code.sentence.removesuffix('.')}: {because}." if because else code.sentence
    return UnmovableFile(code, detail)


def reason(error: OSError) -> str:
    """What the system says, without the path: that stands beside it."""
    return os.strerror(error.errno) if error.errno else type(error).__name__
