"""Where films without an index can be entered: fragmented MP4, Matroska and FLV."""

from shared.media.cutting.by_index.mp4_boxes import MalformedIndex
from shared.media.cutting.without_index.entries_flv import Tags
from shared.media.cutting.without_index.entries_matroska import Clusters
from shared.media.cutting.without_index.entries_mp4 import Fragments
from shared.media.cutting.without_index.stretches import Entries
from shared.media.inspect.matroska import EBML_MAGIC
from shared.media.reading.byte_source import ByteSource

_HEAD = 64 * 1024


def entries_of(source: ByteSource) -> Entries | None:
    """The entries of a film without an index; None for one that has an index, or needs none."""
    head = source.read(0, _HEAD)
    try:
        if head[4:8] == b"ftyp":
            return Fragments.of(source, head)
        if head.startswith(EBML_MAGIC):
            return Clusters.of(source, head)
        if head.startswith(b"FLV"):
            return Tags.of(source, head)
    except MalformedIndex:
        pass
    return None
