"""Which file is which clip's: by id first, then by as much of the old address as fits.

A file goes with the clip whose id is its name. Otherwise the last parts of its path are compared
with the last parts of old addresses: the longest that fit count, and if several clips fit as
well, none is taken. Every file and every clip that is left over is told of.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from clips.migration import names
from clips.migration.faults import Code
from clips.migration.ledger import Ledger
from clips.migration.names import Kind
from shared import blob_names

# Better than any number of parts of an address.
_BY_ID = 100
# An empty id: several clips fit.
_MANY = b""

# The clips that share a key, and one of them.
_TARGETS = """
CREATE INDEX file_keys_by_key ON file_keys (level, key);
CREATE TABLE targets AS
    SELECT level, key, count(*) AS clips, min(clip) AS clip FROM clip_keys GROUP BY level, key;
CREATE UNIQUE INDEX targets_by_key ON targets (level, key);
"""

# The columns beside max() are those of the row that has the maximum.
_FIT_BY_ADDRESS = """
UPDATE files SET clip = best.clip, fit = best.level
FROM (
    SELECT f.path, max(f.level) AS level, CASE t.clips WHEN 1 THEN t.clip ELSE :many END AS clip
    FROM file_keys f JOIN targets t ON t.level = f.level AND t.key = f.key
    GROUP BY f.path
) AS best
WHERE files.path = best.path
"""

_FIT_BY_ID = """
UPDATE files SET clip = spelled, fit = :by_id
WHERE problem IS NULL AND kind = 'video' AND spelled IN (SELECT id FROM clips)
"""

_BY_STEM = "CREATE INDEX files_by_stem ON files (stem) WHERE kind = 'video'"

# An image goes with the clip whose id is its name, or with the film beside it of the same name.
_FIT_IMAGES = """
UPDATE files SET clip = owner.clip, fit = owner.fit
FROM (
    SELECT image.path, coalesce(named.id, min(beside.clip)) AS clip,
           2 * (named.id IS NOT NULL) + image.is_thumbnail AS fit
    FROM files AS image
    LEFT JOIN clips AS named ON named.id = image.spelled
    LEFT JOIN files AS beside
           ON beside.stem = image.stem AND beside.kind = 'video' AND beside.clip <> :many
    WHERE image.kind = 'image' AND image.problem IS NULL
    GROUP BY image.path
) AS owner
WHERE files.path = owner.path AND owner.clip IS NOT NULL
"""

# Of the files that fit a clip, those that fit best; and of these the first.
_CHOOSE = """
CREATE TABLE best AS
    SELECT clip, kind = 'image' AS image, max(fit) AS fit
    FROM files WHERE clip IS NOT NULL AND clip <> :many GROUP BY 1, 2
"""
_CHOSEN = """
CREATE UNIQUE INDEX best_by_clip ON best (clip, image);
CREATE TABLE chosen AS
    SELECT min(f.path) AS path, count(*) AS files
    FROM files f JOIN best b ON b.clip = f.clip AND b.image = (f.kind = 'image') AND b.fit = f.fit
    GROUP BY b.clip, b.image;
CREATE UNIQUE INDEX chosen_by_path ON chosen (path);
CREATE INDEX files_by_clip ON files (clip, fit) WHERE clip IS NOT NULL;
"""

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

_CLIP = "SELECT id, video, blob_name FROM clips WHERE id = :id"

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A file and what is to become of it.

    `there` tells that the catalogue speaks of the blob already; `twins` are files that fit the
    same clip just as well; an `adopted` file has no row yet. With a `url` the bytes are there,
    and not in a file: then `path` only names the item.
    """

    path: bytes
    size: int
    kind: Kind
    clip_id: UUID
    video_id: UUID
    blob_name: str
    content_type: str
    there: bool = False
    twins: tuple[bytes, ...] = ()
    adopted: bool = False
    url: str | None = None


@dataclass(frozen=True, slots=True)
class LeftOver:
    """A file that goes with no clip, and why."""

    path: bytes
    size: int
    code: Code
    detail: str

    @property
    def is_unseen(self) -> bool:
        """Whether it could not be looked at: it may well have been a clip, or a folder of them."""
        return self.code in {Code.UNREADABLE, Code.VANISHED}


@dataclass(frozen=True, slots=True)
class Fileless:
    """A clip that has no file here, and waits for its bytes unless there is a blob."""

    clip_id: UUID
    video_id: UUID
    blob_name: str | None
    old_url: str | None


class Plan:
    """What a ledger with files and clips in it comes to; `adopt` is the video for strangers."""

    def __init__(self, ledger: Ledger, adopt: UUID | None = None) -> None:
        self._db = ledger.db
        self._adopt = adopt
        self._db.executescript(_TARGETS)
        self._db.execute(_FIT_BY_ADDRESS, {"many": _MANY})
        self._db.execute(_FIT_BY_ID, {"by_id": _BY_ID})
        self._db.execute(_BY_STEM)
        self._db.execute(_FIT_IMAGES, {"many": _MANY})
        self._db.execute(_CHOOSE, {"many": _MANY})
        self._db.executescript(_CHOSEN)

    def items(self) -> Iterator[Item]:
        """Everything that can be moved, in the order of paths; then what is adopted."""
        for row in self._db.execute(_ITEMS):
            yield self._item(*row)
        if self._adopt is not None:
            for path, size in self._db.execute(_STRANGERS):
                yield self._adopted(self._adopt, path, size)

    def left_over(self) -> Iterator[LeftOver]:
        adopting = self._adopt is not None
        for path, size, problem, detail, clip in self._db.execute(_LEFT_OVER):
            if problem is not None:
                code = Code(problem)
            elif clip is None:
                if adopting and names.type_of(path).kind is Kind.VIDEO:
                    continue
                code = Code.NO_CLIP
            else:
                code = Code.MANY_CLIPS if clip == _MANY else Code.BETTER_MATCH
            yield LeftOver(path, size, code, detail or code.sentence)

    def totals(self) -> tuple[int, int]:
        """How many files are dealt with, and how many bytes they have."""
        files, size = self._db.execute(_TOTALS).fetchone()
        if self._adopt is not None:
            more, bytes_more = self._db.execute(_STRANGE_TOTALS).fetchone()
            files, size = files + more, size + bytes_more
        return files, size

    def without_file(self, *, moved: bool = False) -> Iterator[Fileless]:
        """Clips whose bytes are not here; with `moved`, those too that were moved before."""
        for clip, video, name, old_url in self._db.execute(_WITHOUT_FILE, {"moved": moved}):
            yield Fileless(UUID(bytes=clip), UUID(bytes=video), name, old_url)

    def _item(self, *row: Any) -> Item:  # noqa: ANN401  # columns of _ITEMS
        path, size, kind, fit, files, clip, video, blob_name = row
        clip_id, video_id, is_image = UUID(bytes=clip), UUID(bytes=video), kind == Kind.IMAGE
        type_ = names.type_of(path)
        twins: tuple[bytes, ...] = ()
        if files > 1 and not is_image:
            found = self._db.execute(_TWINS, {"clip": clip, "fit": fit, "path": path})
            twins = tuple(other for (other,) in found)
        if is_image:
            name = blob_names.own_thumbnail(video_id, clip_id, type_.extension)
        else:
            name = blob_name or blob_names.clip_blob(video_id, clip_id, type_.extension)
        return Item(
            path=path,
            size=size,
            kind=type_.kind,
            clip_id=clip_id,
            video_id=video_id,
            blob_name=name,
            content_type=type_.content_type,
            there=blob_name is not None,
            twins=twins,
        )

    def _adopted(self, video_id: UUID, path: bytes, size: int) -> Item:
        clip_id = names.adopted_id(video_id, path, size)
        known = self._db.execute(_CLIP, {"id": clip_id.bytes}).fetchone()
        type_ = names.type_of(path)
        name = blob_names.clip_blob(video_id, clip_id, type_.extension)
        return Item(
            path=path,
            size=size,
            kind=Kind.VIDEO,
            clip_id=clip_id,
            video_id=video_id,
            blob_name=name,
            content_type=type_.content_type,
            there=known is not None,
            adopted=True,
        )
