"""FLV, ASF and MPEG-TS: whether the file is encrypted, and how long an FLV is by its last tags.

Sources: Adobe Flash Video File Format Specification 10.1, annex E; Advanced Systems Format
Specification 1.20, section 3.14.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from shared.media.inspect import transport_stream
from shared.media.inspect.layout import Layout
from shared.media.reading.source import BLOCK_BYTES, SourceFile

_FLV_HEADER, _FLV_TAG_HEADER, _FLV_TAG_SIZE = 9, 11, 4
_FLV_SOUND, _FLV_PICTURE = 8, 9
_FLV_ENCRYPTED = 0x20

# So many tags are read at either end: among them are both picture and sound, in any usual order.
_FLV_TAGS = 16

_ASF_HEADER = UUID("75b22630-668e-11cf-a6d9-00aa0062ce6c").bytes_le
_ASF_ENCRYPTION = (
    UUID("2211b3fb-bd23-11d2-b4b7-00a0c955fc6e").bytes_le,
    UUID("298ae614-2622-4c17-b935-dae07ee9289c").bytes_le,
)


@dataclass(frozen=True, slots=True)
class _Tag:
    kind: int
    encrypted: bool
    milliseconds: int
    end: int


def read_broadcast(file: SourceFile) -> Layout:
    """Whether an FLV, ASF or MPEG-TS is encrypted; another format gives an empty Layout."""
    head = file.peek(0, 16)
    if head.startswith(b"FLV"):
        return Layout(encrypted=any(tag.encrypted for tag in _first_tags(file)))
    if head == _ASF_HEADER:
        data = file.peek(0, BLOCK_BYTES)
        return Layout(encrypted=any(mark in data for mark in _ASF_ENCRYPTION))
    sync = bytes((transport_stream.SYNC,))
    if head[:1] == sync and file.peek(transport_stream.PACKET, 1) == sync:
        return Layout(encrypted=transport_stream.is_encrypted(file.peek(0, BLOCK_BYTES)))
    return Layout()


def last_tag_seconds(file: SourceFile) -> float | None:
    """Returns when the last picture or sound of an FLV begins; None if its end is damaged."""
    end, latest = file.size, None
    for _ in range(_FLV_TAGS):
        if end < _FLV_HEADER + _FLV_TAG_SIZE:
            break
        size = int.from_bytes(file.peek(end - _FLV_TAG_SIZE, _FLV_TAG_SIZE))
        tag = _tag_at(file, end - _FLV_TAG_SIZE - size) if size >= _FLV_TAG_HEADER else None
        if tag is None or tag.end != end:
            break
        if tag.kind in (_FLV_SOUND, _FLV_PICTURE):
            latest = max(latest or 0, tag.milliseconds)
        end -= _FLV_TAG_SIZE + size
    return None if latest is None else latest / 1000


def _first_tags(file: SourceFile) -> Iterator[_Tag]:
    position = int.from_bytes(file.peek(5, 4)) + _FLV_TAG_SIZE
    for _ in range(_FLV_TAGS):
        tag = _tag_at(file, position)
        if tag is None:
            return
        yield tag
        position = tag.end


def _tag_at(file: SourceFile, position: int) -> _Tag | None:
    header = file.peek(position, _FLV_TAG_HEADER) if position >= _FLV_HEADER else b""
    if len(header) < _FLV_TAG_HEADER:
        return None
    return _Tag(
        kind=header[0] & 0x1F,
        encrypted=bool(header[0] & _FLV_ENCRYPTED),
        milliseconds=int.from_bytes(header[7:8] + header[4:7]),  # the highest byte is the last
        end=position + _FLV_TAG_HEADER + int.from_bytes(header[1:4]) + _FLV_TAG_SIZE,
    )
