"""Sound files without a length: FFmpeg divides their size by the bit rate of their beginning.

That is far from the truth where the bit rate varies, as it does behind a silent beginning.

Sources: ISO/IEC 11172-3, section 2.4.1 (an MP3 is nothing but frames), ISO/IEC 13818-7, annex A
(ADTS); ID3 2.4.0, section 3.1. The first frame of an MP3 may hold the number of all in a header of
Xing's, LAME's or Fraunhofer's encoder.
"""

from shared.media.reading.source import SourceFile

_COUNTS = (b"Xing", b"Info", b"VBRI")

# The first frame of an MP3 is not longer.
_FRAME_BYTES = 2048

_ID3, _ID3_HEADER = b"ID3", 10


def has_guessed_length(format_name: str, file: SourceFile) -> bool:
    """Whether the length that FFmpeg has of a file of this format is a guess."""
    return format_name == "aac" or (format_name == "mp3" and not _counts_frames(file))


def _counts_frames(file: SourceFile) -> bool:
    first = file.peek(_tag_bytes(file.peek(0, _ID3_HEADER)), _FRAME_BYTES)
    return any(count in first for count in _COUNTS)


def _tag_bytes(head: bytes) -> int:
    """Returns the length of an ID3 tag in front of the sound: seven bits in each of four bytes."""
    if not head.startswith(_ID3):
        return 0
    size = 0
    for byte in head[6:_ID3_HEADER]:
        size = size << 7 | byte & 0x7F
    return _ID3_HEADER + size
