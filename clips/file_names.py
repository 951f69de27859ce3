"""Names for files that are saved: a title may hold what the name of a file may not. Pure."""

import re
from pathlib import PurePosixPath

# Separators, and what Windows refuses. Browsers replace these too, most other programs do not.
_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*]')
# Control characters, and what cannot be seen; some of that turns the text around, so that
# "a<U+202E>4pm.exe" looks like "aexe.mp4". The joiners stay: scripts and emoji need them.
_INVISIBLE = re.compile(
    r"[\0-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]"
)
# Devices to Windows, with any extension:
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICE = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE)
_MOST_BYTES = 255  # of a name, in most file systems
_LONGEST_EXTENSION = 16


def file_name(text: str, extension: str = "") -> str:
    """A name that can be saved everywhere; `extension`, with its dot, is put behind the text.

    Without it, what looks like an extension in the text is one, and survives the cut of a
    name that is too long.
    """
    # Windows drops dots and spaces at the end; one in front hides a file, two are a folder.
    name = f"{_writable(text).strip('. ') or '_'}{_writable(extension)}".rstrip(". ")
    if _DEVICE.match(name):
        name = f"_{name}"
    if len(name) * 4 <= _MOST_BYTES or len(name.encode()) <= _MOST_BYTES:
        return name
    kept = PurePosixPath(name).suffix
    kept = kept if len(kept) <= _LONGEST_EXTENSION else ""
    stem = name.removesuffix(kept).encode()[: _MOST_BYTES - len(kept.encode())]
    return stem.decode(errors="ignore").rstrip(". ") + kept


def _writable(text: str) -> str:
    return _NOT_IN_NAMES.sub("_", _INVISIBLE.sub("", text))
