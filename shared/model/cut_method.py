"""How exactly a clip is cut, and by which method. Responses about clips need no more of cutting."""

from enum import StrEnum


class Accuracy(StrEnum):
    """Where a cut may begin.

    `keyframe`: at the keyframe at or before the requested start. `edit_list`: at the frame itself,
    for players that honour edit lists; the frames before it stay in the file. `frame`: at the
    frame itself, by encoding.
    """

    KEYFRAME = "keyframe"
    EDIT_LIST = "edit_list"
    FRAME = "frame"


class CutMethod(StrEnum):
    """How a clip is cut, in the order in which it is tried.

    Storage copies the media, packets are copied, or the range is encoded.
    """

    STORAGE_COPY = "storage_copy"
    PACKETS = "packets"
    ENCODE = "encode"
