"""Blobs that other tools wrote: which of them are not clips, and which names can be stored."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from shared.blob_names import clip_of

# Bytes in UTF-8: an entry of a Postgres index has 2704, its header included.
_LONGEST_NAME = 2600
# Files that systems and programs put beside videos, by name, by folder and by extension. All lower
# case.
_SYSTEM_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
_SYSTEM_FOLDERS = {"__macosx", "@eadir"}
_SIDECARS = {
    *(".ass", ".dfxp", ".idx", ".lrc", ".sbv", ".smi", ".srt", ".ssa", ".sub", ".ttml", ".vtt"),
    *(".csv", ".edl", ".json", ".nfo", ".xml", ".xmp"),
    *(".md5", ".sfv", ".sha1", ".sha256"),
}


def is_companion(blob_name: str) -> bool:
    """Whether a blob below a video is a companion file: a folder, a hidden file, subtitles.

    A blob with the id of a clip in its name is never one: that clip may have been announced.
    """
    _, slash, rest = blob_name.partition("/")
    *folders, last = rest.lower().split("/")
    if not slash or clip_of(blob_name) is not None:
        return False
    return (
        not last
        or any(part.startswith(".") for part in (*folders, last))
        or bool(_SYSTEM_FOLDERS.intersection(folders))
        or last in _SYSTEM_FILES
        or PurePosixPath(last).suffix in _SIDECARS
    )


def is_folder_stub(metadata: Mapping[str, str], size: int) -> bool:
    """Whether a blob is a folder marker: tools set `hdi_isfolder` on it."""
    marks = (value.lower() for name, value in metadata.items() if name.lower() == "hdi_isfolder")
    return size == 0 and "true" in marks


def check_storable(blob_name: str) -> str | None:
    """Why the database cannot store a blob's name, or None."""
    if "\0" in blob_name:
        return "its name has a NUL character"
    try:
        size = len(blob_name.encode())
    except UnicodeEncodeError:
        return "its name is not valid Unicode"
    return "its name is too long" if size > _LONGEST_NAME else None


def printable(text: str) -> str:
    """The text with those characters escaped that logs or Postgres cannot hold."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")
