"""AVI and WAV: the RIFF section of Microsoft's "Multimedia Programming Interface"."""

from shared.media.inspect.layout import Layout

# Recorders that cannot seek back leave a size at or near the largest possible one.
_UNKNOWN_SIZE = 0xFFFF_F000


def read_riff(head: bytes, file_size: int) -> Layout:
    """Returns the layout of a file that begins with `head`, twelve bytes or more of it."""
    declared = int.from_bytes(head[4:8], "little")
    known = 0 < declared < _UNKNOWN_SIZE
    return Layout(
        container="avi" if head[8:12] == b"AVI " else "wav",
        # Some writers count a padding byte that they do not write.
        truncated=known and declared + 8 > file_size + 1,
    )
