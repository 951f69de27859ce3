"""Which images a clip should have, and how the stored ones differ. Pure."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from uuid import UUID

from clips.drift.comparison_times import ComparisonTimes
from clips.drift.stages.stage import line_without_row
from shared import blob_names
from shared.catalogue.drift.drift_image_queries import SEPARATOR, ImagesRow
from shared.catalogue.drift.surroundings_query import Surroundings
from shared.model.drift import DriftAction, DriftKind, DriftLine
from shared.model.link import ImageFormat

_SHOWN_AT_MOST = 5


def expected_images(row: ImagesRow) -> Sequence[str]:
    """The names of all images that a visible clip or source should have."""
    names = [
        name
        for name in (row.poster_name, row.preview_name, row.own_thumbnail, row.rendition_name)
        if name is not None
    ]
    if row.storyboard_name is not None:
        sheet = blob_names.storyboard_sheet(row.video_id, row.clip_id)
        names += (row.storyboard_name, sheet)
    prefix = f"{row.video_id}/{row.clip_id}/poster-"
    names += [prefix + ending for ending in _endings(tuple(row.poster_widths))]
    return names


@lru_cache(4096)
def expected_endings(images: str) -> frozenset[str] | None:
    """The endings, after `{video_id}/{clip_id}`, of the names that `ImagesInShort` describes.

    Most clips have the same endings, so they are computed a few times in a run. None if an image
    is named in another way.
    """
    *names, storyboard, widths = images.split(SEPARATOR)
    if storyboard:
        names += (storyboard, f"/{blob_names.STORYBOARD_SHEET}")
    numbers = tuple(int(width) for width in widths.strip("{}").split(",") if width)
    names += [f"/poster-{ending}" for ending in _endings(numbers)]
    endings = frozenset(name for name in names if name)
    return endings if all(ending[0] in "/_" for ending in endings) else None


@lru_cache
def _endings(widths: tuple[int, ...]) -> Sequence[str]:
    """The ends of the names of a poster's sizes; most clips have the same sizes."""
    return [f"{width}{image_format.extension}" for width in widths for image_format in ImageFormat]


def should_have_images(row: ImagesRow, times: ComparisonTimes) -> bool:
    is_shown = row.status in {"ready", "failed"} and row.hidden_at is None
    return is_shown and row.bin_etag is None and row.touched_at < times.quiet_since


def images_missing(container: str, row: ImagesRow, missing: Sequence[str]) -> DriftLine:
    """One line for all that a clip misses; `blob` is the first of them."""
    shown = ", ".join(name.rpartition("/")[2] for name in missing[:_SHOWN_AT_MOST])
    more = f" and {len(missing) - _SHOWN_AT_MOST} more" if len(missing) > _SHOWN_AT_MOST else ""
    return DriftLine(
        kind=DriftKind.IMAGE_MISSING,
        container=container,
        blob=missing[0],
        video_id=row.video_id,
        clip_id=None if row.is_source else row.clip_id,
        detail=f"Not stored: {shown}{more}.",
    )


def images_of_hidden(
    container: str, row: ImagesRow, names: Collection[str], times: ComparisonTimes
) -> DriftLine | None:
    """One line for the images of a clip that is deleted or in the bin."""
    if row.hidden_at is None or row.hidden_at >= times.quiet_since or not names:
        return None
    return DriftLine(
        kind=DriftKind.DELETED_BUT_PRESENT,
        container=container,
        blob=min(names),
        video_id=row.video_id,
        clip_id=None if row.is_source else row.clip_id,
        detail="The clip is deleted, but its images are still stored.",
        action=DriftAction.DELETE,
        by=times.next_cleanup_at,
    )


def image_without_clip(
    container: str,
    name: str,
    key: tuple[UUID | None, UUID | None],
    around: Surroundings | None,
    times: ComparisonTimes,
) -> DriftLine:
    """A blob of the thumbnails container that belongs to no clip; `key` is what its name says."""
    kind, detail = DriftKind.IMAGE_WITHOUT_CLIP, "There is no such clip."
    action: DriftAction | None = None
    by = times.next_cleanup_at
    if around is None or not around.video_is_known:
        kind, detail = DriftKind.BLOB_OF_UNKNOWN_VIDEO, "The video is not in the catalogue."
    elif around.deleted_at is not None and around.purge_at is None:
        detail, action = "Its video is deleted.", DriftAction.DELETE
    elif around.is_noted and around.sweep_after is not None:
        detail, action = "Its clip is deleted.", DriftAction.DELETE
        by = max(by, around.sweep_after)
    return line_without_row(container, name, key, (kind, detail, action), by)
