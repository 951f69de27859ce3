"""Whether a sample that an index calls a keyframe gives a picture alone, by its first bytes.

Writers mark recovery points as keyframes too, from which the picture is whole only after a while.
Sources: ITU-T H.264, sections 7.3.1 (NAL units), 7.3.3 (slice header) and 9.1 (Exp-Golomb codes);
ITU-T H.265, section 7.3.1.2; ISO/IEC 14496-15 (lengths in front of NAL units). Pure.
"""

from collections.abc import Iterator

# The first bytes of a sample that are looked at: settings and notes come before the picture.
HEAD_BYTES = 4096

_H264, _HEVC = {b"avc1", b"avc3"}, {b"hvc1", b"hev1"}
# Positions in `avcC` and `hvcC`, behind the header of the box, of the length of lengths.
_LENGTH_AT = {b"avcC": 4, b"hvcC": 21}
_H264_SLICE, _H264_IDR = 1, 5
_H264_INTRA = {2, 4, 7, 9}  # I and SI slices
_HEVC_SLICES, _HEVC_IRAP = range(32), range(16, 24)


def nal_length_size(codec: bytes, description: bytes) -> int:
    """How many bytes the lengths of NAL units have; 0 for a codec without them.

    `description` is the sample description of the track, in which that of the decoder is.
    """
    kind = b"avcC" if codec in _H264 else b"hvcC" if codec in _HEVC else b""
    begin = description.find(kind) if kind else -1
    place = begin + len(kind) + _LENGTH_AT.get(kind, 0)
    return (description[place] & 3) + 1 if begin >= 0 and place < len(description) else 0


def gives_picture_alone(codec: bytes, head: bytes, length_size: int) -> bool:
    """Whether a sample that begins with `head` can be decoded without any other.

    True as well where the head does not say.
    """
    for unit in _units(head, length_size):
        if codec in _H264:
            kind = unit[0] & 0x1F
            if kind == _H264_SLICE:
                return _slice_type(unit[1:]) in _H264_INTRA
            if kind == _H264_IDR:
                return True
        elif codec in _HEVC:
            kind = unit[0] >> 1 & 0x3F
            if kind in _HEVC_SLICES:
                return kind in _HEVC_IRAP
    return True


def _units(head: bytes, length_size: int) -> Iterator[bytes]:
    """The NAL units of a sample; the last one may be cut off."""
    at = 0
    while length_size and at + length_size + 2 <= len(head):
        length = int.from_bytes(head[at : at + length_size])
        at += length_size
        if length:
            yield head[at : at + length]
        at += length


def _slice_type(header: bytes) -> int:
    """The second number of a slice header."""
    bits = int.from_bytes(header[:16].ljust(16, b"\xff"))
    place = 128
    number = 0
    for _ in range(2):  # first_mb_in_slice, slice_type
        zeros = 0
        while place > 0 and not bits >> (place - 1) & 1:
            zeros += 1
            place -= 1
        place -= zeros + 1
        number = (bits >> max(place, 0) & (1 << (zeros + 1)) - 1) - 1
    return number
