"""Blobs that other tools wrote: which of them are not clips, and which names can be stored."""

from pathlib import PurePosixPath

from shared.blob_names import clip_id_of
from shared.model.blob import Blob

# Bytes in UTF-8: an entry of a Postgres index has 2704, its header included.
_LONGEST_NAME = 2600
# Files that systems and programs put beside videos, by name, by folder and by extension. All lower
# case.
_SYSTEM_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
_SYSTEM_FOLDERS = {
    *("__macosx", "@eadir", "#recycle", "#snapshot", "lost+found"),
    *("$recycle.bin", "system volume information"),
}
_SUBTITLES = {
    *(".ass", ".dfxp", ".idx", ".itt", ".lrc", ".mcc", ".sami", ".sbv", ".scc", ".smi", ".srt"),
    *(".ssa", ".stl", ".sub", ".sup", ".ttml", ".usf", ".vtt"),
}
_NOTES = {
    *(".csv", ".edl", ".htm", ".html", ".ini", ".json", ".log", ".md", ".nfo", ".rtf", ".toml"),
    *(".txt", ".xml", ".xmp", ".yaml", ".yml"),
}
_LISTS_AND_SHORTCUTS = {
    *(".cue", ".m3u", ".m3u8", ".mpd", ".pls", ".desktop", ".lnk", ".torrent", ".url", ".webloc"),
}
_CHECKSUMS = {".crc", ".md5", ".sfv", ".sha1", ".sha256", ".sha512"}
# Of transfers that are not complete; the file gets its own name at their end.
_PARTIAL = {".aria2", ".crdownload", ".filepart", ".part", ".partial", ".tmp"}
_SIDECARS = _SUBTITLES | _NOTES | _LISTS_AND_SHORTCUTS | _CHECKSUMS | _PARTIAL
# The types that Cyberduck, s3fs and gcsfuse give to a folder.
_FOLDER_TYPES = {"application/directory", "application/x-directory", "httpd/unix-directory"}


def is_companion(blob_name: str) -> bool:
    """Whether a blob below a video is a companion file: a folder, a hidden file, subtitles.

    A blob with the id of a clip in its name is never one: that clip may have been announced.
    """
    _, slash, rest = blob_name.partition("/")
    *folders, last = rest.lower().split("/")
    if not slash or clip_id_of(blob_name) is not None:
        return False
    return (
        not last
        or any(part.startswith(".") for part in (*folders, last))
        or bool(_SYSTEM_FOLDERS.intersection(folders))
        or last in _SYSTEM_FILES
        or PurePosixPath(last).suffix in _SIDECARS
    )


def is_folder_stub(blob: Blob) -> bool:
    """Whether a blob is a folder marker: by `hdi_isfolder`, its type, or Hadoop's kind of name."""
    marks = {name.lower(): value.strip().lower() for name, value in blob.metadata.items()}
    is_marked = marks.get("hdi_isfolder") == "true" or blob.content_type in _FOLDER_TYPES
    return blob.size == 0 and (is_marked or blob.name.endswith("_$folder$"))


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
