"""File names for downloads, made of titles: only characters that file names may have. Pure."""

import re
from pathlib import PurePosixPath

from shared.model.clip import ClipFile

# Separators, and what Windows refuses. Browsers replace these too; most other programs do not.
_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*]')
# Control and other invisible characters. Some reverse the direction of the text: to the eye,
# "a<U+202E>4pm.exe" is "aexe.mp4". The joiners stay: scripts and emoji need them.
_INVISIBLE = re.compile(
    r"[\0-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]"
)
# Names of devices on Windows, reserved with any extension:
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICE = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE)
_MAX_BYTES = 255  # of a name, in most file systems
_LONGEST_EXTENSION = 16


def clip_file_name(clip: ClipFile, blob_name: str) -> str:
    """The name to save a clip's file under: its title or its id, with the blob's extension."""
    return download_name(clip.title or str(clip.id), PurePosixPath(blob_name).suffix)


def download_name(text: str, extension: str = "") -> str:
    """A name that every file system accepts: the text, then `extension` (with its dot).

    A name of more than 255 bytes is shortened before its extension, which without `extension`
    is the part of the text that looks like one.
    """
    # Windows drops trailing dots and spaces; a leading dot hides a file, and ".." is a folder.
    name = f"{_writable(text).strip('. ') or '_'}{_writable(extension)}".rstrip(". ")
    if _DEVICE.match(name):
        name = f"_{name}"
    if len(name) * 4 <= _MAX_BYTES or len(name.encode()) <= _MAX_BYTES:
        return name
    kept = PurePosixPath(name).suffix
    kept = kept if len(kept) <= _LONGEST_EXTENSION else ""
    stem = name.removesuffix(kept).encode()[: _MAX_BYTES - len(kept.encode())]
    return stem.decode(errors="ignore").rstrip(". ") + kept


def _writable(text: str) -> str:
    return _NOT_IN_NAMES.sub("_", _INVISIBLE.sub("", text))
