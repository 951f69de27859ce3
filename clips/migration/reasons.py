"""Why a file is not migrated: codes for programs, sentences for people.

Faults of the file itself are FileFault of clips/transfer; these are the others.
"""

from enum import StrEnum

from clips.transfer.faults import FileFault, with_cause
from shared.errors import UnusableFile


class Reason(StrEnum):
    """The `code` of a line of the receipt; docs/migration.md lists all codes."""

    NO_CLIP = "no_clip"
    MANY_CLIPS = "many_clips"
    BETTER_MATCH = "better_match"
    OTHER_CONTENTS = "other_contents"
    SYMLINK = "symlink"
    BLOB_DIFFERS = "blob_differs"
    BLOB_UNVERIFIED = "blob_unverified"
    CLIP_DELETED = "clip_deleted"
    REFUSED_ADDRESS = "refused_address"
    DOWNLOAD_FAILED = "download_failed"
    GAVE_UP = "gave_up"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


type AnyReason = Reason | FileFault

_SENTENCES = {
    Reason.NO_CLIP: "No clip in the catalogue has this id or this old address.",
    Reason.MANY_CLIPS: "Several clips had this file name, and the folders do not show which clip "
    "the file belongs to.",
    Reason.BETTER_MATCH: "Another file matches the clip better.",
    Reason.OTHER_CONTENTS: "Another file matches the same clip equally well and has other "
    "contents.",
    Reason.SYMLINK: "The file is a symbolic link. Links are not followed.",
    Reason.BLOB_DIFFERS: "The clip's blob exists already and has other bytes.",
    Reason.BLOB_UNVERIFIED: (
        "The clip's blob exists already, and storage does not know its MD5 yet. "
        "The cleanup computes it, up to 8 GiB. Run again later."
    ),
    Reason.CLIP_DELETED: "The clip was deleted during the migration.",
    Reason.REFUSED_ADDRESS: "The old address may not be fetched.",
    Reason.DOWNLOAD_FAILED: "The file could not be downloaded from the old address.",
    Reason.GAVE_UP: "Five attempts were interrupted. See the log.",
}


def reason_of(code: str) -> AnyReason:
    return FileFault(code) if code in FileFault else Reason(code)


def not_migratable(reason: Reason, cause: str | None = None) -> UnusableFile:
    """The error to raise for a reason, with its sentence; `cause` is added to it."""
    return UnusableFile(reason, with_cause(reason.sentence, cause))
