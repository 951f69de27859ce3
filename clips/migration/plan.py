"""What a folder and a catalogue come to: what is moved where, and what is left over.

Every file and every clip that is left over is told of.
"""

from collections.abc import Iterator
from uuid import UUID

from clips.migration import names
from clips.migration.items import Fileless, Item, LeftOver
from clips.migration.ledger import Ledger
from clips.migration.matching import MANY, match
from clips.migration.names import Kind
from clips.transfer.faults import Code
from shared import blob_names

_ITEMS = """
SELECT f.path, f.size, f.kind, f.fit, chosen.files, c.id, c.video, c.blob_name
FROM chosen JOIN files f ON f.path = chosen.path JOIN clips c ON c.id = f.clip
ORDER BY f.path
"""

_TWINS = """
SELECT path FROM files
WHERE clip = :clip AND fit = :fit AND kind <> 'image' AND path <> :path ORDER BY path
"""

_STRANGERS = """
SELECT path, size FROM files
WHERE clip IS NULL AND problem IS NULL AND kind = 'video' ORDER BY path
"""

_TOTALS = """
SELECT coalesce(sum(CASE f.kind WHEN 'image' THEN 1 ELSE chosen.files END), 0),
       coalesce(sum(f.size), 0)
FROM chosen JOIN files f ON f.path = chosen.path
"""

_STRANGE_TOTALS = """
SELECT count(*), coalesce(sum(size), 0) FROM files
WHERE clip IS NULL AND problem IS NULL AND kind = 'video'
"""

_KNOWN = "SELECT 1 FROM clips WHERE id = :id"

_LEFT_OVER = """
SELECT f.path, f.size, f.problem, f.detail, f.clip
FROM files f LEFT JOIN best b ON b.clip = f.clip AND b.image = (f.kind = 'image')
WHERE b.clip IS NULL OR f.fit < b.fit
   OR (b.image AND f.path NOT IN (SELECT path FROM chosen))
ORDER BY f.path
"""

# Those that were moved before have an old address too.
_WITHOUT_FILE = """
SELECT id, video, blob_name, old_url FROM clips
WHERE (blob_name IS NULL OR (:moved AND old_url IS NOT NULL))
  AND id NOT IN (SELECT clip FROM files WHERE clip IS NOT NULL AND kind <> 'image')
ORDER BY id
"""


class Plan:
    """Of a ledger that has files and clips in it; `adopt` is the video for strangers."""

    def __init__(self, ledger: Ledger, adopt: UUID | None = None) -> None:
        self._ledger = ledger
        self._adopt = adopt
        match(ledger)

    def items(self) -> Iterator[Item]:
        """Everything that can be moved, in the order of paths; then what is adopted."""
        for path, size, kind, fit, files, clip, video, blob_name in self._ledger.rows(_ITEMS):
            clip_id, video_id, there = UUID(bytes=clip), UUID(bytes=video), blob_name is not None
            if kind == Kind.IMAGE:
                yield _item(path, size, clip_id, video_id, there=there)
                continue
            twins = self._twins(clip, fit, path) if files > 1 else ()
            yield _item(
                path, size, clip_id, video_id, there=there, blob_name=blob_name, twins=twins
            )
        if self._adopt is not None:
            for path, size in self._ledger.rows(_STRANGERS):
                yield self._adopted(self._adopt, path, size)

    def left_over(self) -> Iterator[LeftOver]:
        adopting = self._adopt is not None
        for path, size, problem, detail, clip in self._ledger.rows(_LEFT_OVER):
            if problem is not None:
                code = Code(problem)
            elif clip is None:
                if adopting and names.type_of(path).kind is Kind.VIDEO:
                    continue
                code = Code.NO_CLIP
            else:
                code = Code.MANY_CLIPS if clip == MANY else Code.BETTER_MATCH
            yield LeftOver(path, size, code, detail or code.sentence)

    def totals(self) -> tuple[int, int]:
        """How many files are dealt with, and how many bytes they have."""
        ((files, size),) = self._ledger.rows(_TOTALS)
        if self._adopt is not None:
            ((more, bytes_more),) = self._ledger.rows(_STRANGE_TOTALS)
            files, size = files + more, size + bytes_more
        return files, size

    def without_file(self, *, moved: bool = False) -> Iterator[Fileless]:
        """Clips whose bytes are not here; with `moved`, those too that were moved before."""
        for clip, video, name, old_url in self._ledger.rows(_WITHOUT_FILE, {"moved": moved}):
            yield Fileless(UUID(bytes=clip), UUID(bytes=video), name, old_url)

    def _twins(self, clip: bytes, fit: int, path: bytes) -> tuple[bytes, ...]:
        """The other files that fit a clip as well as the one that was chosen."""
        found = self._ledger.rows(_TWINS, {"clip": clip, "fit": fit, "path": path})
        return tuple(other for (other,) in found)

    def _adopted(self, video_id: UUID, path: bytes, size: int) -> Item:
        clip_id = names.adopted_id(video_id, path, size)
        is_known = any(self._ledger.rows(_KNOWN, {"id": clip_id.bytes}))
        return _item(path, size, clip_id, video_id, there=is_known, adopted=True)


def _item(
    path: bytes,
    size: int,
    clip_id: UUID,
    video_id: UUID,
    *,
    there: bool,
    blob_name: str | None = None,
    twins: tuple[bytes, ...] = (),
    adopted: bool = False,
) -> Item:
    """A file of a clip; `blob_name` is the name that the clip's blob has, if it has one."""
    type_ = names.type_of(path)
    name_for = blob_names.own_thumbnail if type_.kind is Kind.IMAGE else blob_names.clip_blob
    return Item(
        path=path,
        size=size,
        kind=type_.kind,
        clip_id=clip_id,
        video_id=video_id,
        blob_name=blob_name or name_for(video_id, clip_id, type_.extension),
        content_type=type_.content_type,
        there=there,
        twins=twins,
        adopted=adopted,
    )
