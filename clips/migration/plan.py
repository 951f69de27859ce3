"""The plan of a migration: the file for each clip, and the files without a clip.

It is read from a ledger whose files and clips have been matched.
"""

from collections.abc import Iterator
from uuid import UUID

from clips.migration.ledger import Ledger
from clips.migration.matching import MANY
from clips.migration.old_files import file_names
from clips.migration.outcomes import ClipWithoutFile, PlanItem, UnmatchedFile
from clips.migration.reasons import AnyReason, Reason, reason_of
from clips.transfer.file_types import FileKind, type_of
from shared import blob_names

_ITEMS = """
SELECT f.path, f.size, f.kind, f.fit, chosen.files, c.id, c.video, c.blob_name
FROM chosen JOIN files f ON f.path = chosen.path JOIN clips c ON c.id = f.clip
ORDER BY f.path
"""

_DUPLICATES = """
SELECT path FROM files
WHERE clip = :clip AND fit = :fit AND kind <> 'image' AND path <> :path ORDER BY path
"""

_WITHOUT_CLIP = """
SELECT path, size FROM files
WHERE clip IS NULL AND problem IS NULL AND kind = 'video' ORDER BY path
"""

_TOTALS = """
SELECT coalesce(sum(CASE f.kind WHEN 'image' THEN 1 ELSE chosen.files END), 0),
       coalesce(sum(f.size), 0)
FROM chosen JOIN files f ON f.path = chosen.path
"""

_TOTALS_WITHOUT_CLIP = """
SELECT count(*), coalesce(sum(size), 0) FROM files
WHERE clip IS NULL AND problem IS NULL AND kind = 'video'
"""

_CLIP_EXISTS = "SELECT 1 FROM clips WHERE id = :id"

_UNMATCHED = """
SELECT f.path, f.size, f.problem, f.detail, f.clip
FROM files f LEFT JOIN best b ON b.clip = f.clip AND b.image = (f.kind = 'image')
WHERE b.clip IS NULL OR f.fit < b.fit
   OR (b.image AND f.path NOT IN (SELECT path FROM chosen))
ORDER BY f.path
"""

# Clips that were migrated before have an old address too.
_CLIPS_WITHOUT_FILE = """
SELECT id, video, blob_name, old_url FROM clips
WHERE (blob_name IS NULL OR (:migrated AND old_url IS NOT NULL))
  AND id NOT IN (SELECT clip FROM files WHERE clip IS NOT NULL AND kind <> 'image')
ORDER BY id
"""


class Plan:
    """`adopt` is the video for whose new clips files without a clip are used, if any."""

    def __init__(self, ledger: Ledger, adopt: UUID | None = None) -> None:
        self._ledger = ledger
        self._adopt = adopt

    def items(self) -> Iterator[PlanItem]:
        """Every file that can be moved, in the order of paths; then those that are adopted."""
        for path, size, kind, fit, files, clip, video, blob_name in self._ledger.rows(_ITEMS):
            is_video = kind != FileKind.IMAGE
            yield _item(
                path,
                size,
                UUID(bytes=clip),
                UUID(bytes=video),
                already_stored=blob_name is not None,
                blob_name=blob_name if is_video else None,
                duplicates=self._duplicates(clip, fit, path) if is_video and files > 1 else (),
            )
        if self._adopt is not None:
            for path, size in self._ledger.rows(_WITHOUT_CLIP):
                yield self._adopted(self._adopt, path, size)

    def unmatched(self) -> Iterator[UnmatchedFile]:
        """Every file that is not moved, in the order of paths."""
        for path, size, problem, detail, clip in self._ledger.rows(_UNMATCHED):
            reason = self._reason(path, problem, clip)
            if reason is not None:
                yield UnmatchedFile(path, size, reason, detail or reason.sentence)

    def totals(self) -> tuple[int, int]:
        """How many files there are to move, duplicates included, and how many bytes."""
        ((files, size),) = self._ledger.rows(_TOTALS)
        if self._adopt is not None:
            ((more, bytes_more),) = self._ledger.rows(_TOTALS_WITHOUT_CLIP)
            files, size = files + more, size + bytes_more
        return files, size

    def clips_without_file(self, *, migrated: bool = False) -> Iterator[ClipWithoutFile]:
        """Clips that wait for their bytes; with `migrated`, those too that came earlier."""
        for clip, video, name, old_url in self._ledger.rows(
            _CLIPS_WITHOUT_FILE, {"migrated": migrated}
        ):
            yield ClipWithoutFile(UUID(bytes=clip), UUID(bytes=video), name, old_url)

    def _reason(self, path: bytes, problem: str | None, clip: bytes | None) -> AnyReason | None:
        """Why a file is not moved; None if it is adopted."""
        if problem is not None:
            return reason_of(problem)
        if clip is None:
            is_adopted = self._adopt is not None and type_of(path).kind is FileKind.VIDEO
            return None if is_adopted else Reason.NO_CLIP
        return Reason.MANY_CLIPS if clip == MANY else Reason.BETTER_MATCH

    def _duplicates(self, clip: bytes, fit: int, path: bytes) -> tuple[bytes, ...]:
        """The other files that match a clip as well as the chosen one."""
        values = {"clip": clip, "fit": fit, "path": path}
        return tuple(other for (other,) in self._ledger.rows(_DUPLICATES, values))

    def _adopted(self, video_id: UUID, path: bytes, size: int) -> PlanItem:
        clip_id = file_names.adopted_id(video_id, path, size)
        exists = any(self._ledger.rows(_CLIP_EXISTS, {"id": clip_id.bytes}))
        return _item(path, size, clip_id, video_id, already_stored=exists, adopted=True)


def _item(
    path: bytes,
    size: int,
    clip_id: UUID,
    video_id: UUID,
    *,
    already_stored: bool,
    blob_name: str | None = None,
    duplicates: tuple[bytes, ...] = (),
    adopted: bool = False,
) -> PlanItem:
    """A file of a clip; `blob_name` is that of the clip's blob, if it has one."""
    type_ = type_of(path)
    is_image = type_.kind is FileKind.IMAGE
    name_for = blob_names.legacy_thumbnail if is_image else blob_names.clip_blob
    return PlanItem(
        path=path,
        size=size,
        kind=type_.kind,
        clip_id=clip_id,
        video_id=video_id,
        blob_name=blob_name or name_for(video_id, clip_id, type_.extension),
        content_type=type_.content_type,
        already_stored=already_stored,
        duplicates=duplicates,
        adopted=adopted,
    )
