"""Reading the headers of a file of any format, before FFmpeg reads it.

Four things FFmpeg does not say: which of a family of formats this is (MP4 or MOV, WebM or
Matroska), whether an MP4 plays before it is complete, whether the file ends before its own headers
say it should, and whether it is encrypted.
"""

from shared.media.inspect import broadcast, mp4
from shared.media.inspect.layout import Layout
from shared.media.inspect.matroska import EBML_MAGIC, read_matroska
from shared.media.inspect.riff import read_riff
from shared.media.reading.source import SourceFile


def read_layout(file: SourceFile) -> Layout:
    """Reads the outermost headers of `file`; an unknown format gives an empty Layout.

    Raises UnplayableClip (`too_much_reading`) for an MP4 whose index would not fit into memory.
    """
    head = file.peek(0, 16)
    if mp4.begins_file(head):
        return mp4.read_mp4(file)
    if head.startswith(EBML_MAGIC):
        return read_matroska(file)
    if head.startswith(b"RIFF") and head[8:12] in (b"AVI ", b"WAVE"):
        return read_riff(head, file)
    return broadcast.read_broadcast(file)
