"""Where FLV and Matroska can be entered without an index: at any tag, at any cluster.

Pure. Sources: Adobe's "Video File Format Specification" version 10, annex E; RFC 9559, section
5.1.3.
"""

import re

CLUSTER = bytes.fromhex("1f43b675")
# A cluster, its size in one to eight bytes, and what may come first in it: its time, a check sum,
# or room that was left free.
CLUSTER_START = re.compile(CLUSTER + rb"[\x01-\xff].{0,7}?[\xe7\xbf\xec]", re.DOTALL)

# Sound, picture or data; size; time; the stream, which is always 0.
TAG_START = re.compile(rb"[\x08\x09\x12].{3}.{4}\x00\x00\x00", re.DOTALL)
TAG_HEAD = 11
SOUND_TAG, PICTURE_TAG = 8, 9
_DATA_TAG = 18
FLV_HEAD = 13
_AAC, _AVC = 10, 7


def flv_head(data: bytes) -> bytes:
    """The beginning of an FLV with the tags that describe its tracks, before any media."""
    at = FLV_HEAD
    while at + TAG_HEAD + 2 < len(data) and _describes_track(data[at:]):
        at += TAG_HEAD + int.from_bytes(data[at + 1 : at + 4]) + 4
    return data[:at]


def _describes_track(tag: bytes) -> bool:
    """Whether a tag holds data or the settings of a decoder, not sound or picture."""
    kind, first, second = tag[0], tag[TAG_HEAD], tag[TAG_HEAD + 1]
    if kind == SOUND_TAG:
        return first >> 4 == _AAC and second == 0
    if kind == PICTURE_TAG:
        is_extended = first & 0x80 != 0
        return first & 0x0F == 0 if is_extended else first & 0x0F == _AVC and second == 0
    return kind == _DATA_TAG
