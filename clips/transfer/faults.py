"""Faults of a file that is to be stored: codes for programs, sentences for people."""

import os
from enum import StrEnum

from shared.errors import UnusableFile


class FileFault(StrEnum):
    """The `failure_code` of UnusableFile; docs/migration.md lists all codes."""

    NOT_REGULAR = "no_plain_file"
    UNREADABLE = "unreadable"
    VANISHED = "vanished"
    EMPTY = "empty_file"
    CHANGED = "changed_while_read"
    TOO_LARGE = "too_large"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    FileFault.NOT_REGULAR: "The file is not a regular file.",
    FileFault.UNREADABLE: "The file cannot be read.",
    FileFault.VANISHED: "The file no longer exists.",
    FileFault.EMPTY: "The file is empty.",
    FileFault.CHANGED: "The file changed while it was read. Run again when no program writes to "
    "it.",
    FileFault.TOO_LARGE: "The file is larger than a blob can be.",
}


def unusable(fault: FileFault, cause: str | None = None) -> UnusableFile:
    """The error to raise for a fault, with its sentence; `cause` is added to it."""
    return UnusableFile(fault, with_cause(fault.sentence, cause))


def with_cause(sentence: str, cause: str | None) -> str:
    return f"{sentence.removesuffix('.')}: {cause}." if cause else sentence


def system_message(error: OSError) -> str:
    """The system's message without the path, which is reported beside it."""
    return os.strerror(error.errno) if error.errno else type(error).__name__
