"""Images that clips and sources should have, as the drift report compares them with listings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from shared.postgres.database import Database

# Between names in ImagesInShort; no name that this app gives has it.
SEPARATOR = "|"

# When it was hidden, and until when it is in the bin: NULL if it is being deleted permanently.
HIDDEN: LiteralString = """
    least(c.deleted_at, v.deleted_at) AS hidden_at,
    CASE WHEN v.deleted_at IS NOT NULL AND v.purge_at IS NULL THEN NULL
         WHEN c.deleted_at IS NOT NULL THEN c.purge_at
         ELSE v.purge_at END AS purge_at
"""

# Of the (video, clip) in (after, upto]. The images of a source are those of a clip with the id of
# the video. `images` are as in ImagesInShort.
_IN_SHORT: LiteralString = """
    SELECT video_id || '/' || id AS key, replace(images, video_id || '/' || id, '') AS images
    FROM (
        (SELECT c.video_id, c.id,
                CASE WHEN c.status IN ('ready', 'failed') AND c.bin_etag IS NULL
                          AND c.deleted_at IS NULL AND v.deleted_at IS NULL
                          AND coalesce(c.attempted_at, c.created_at) < %(quiet_since)s
                THEN concat(c.poster_name, '|', c.preview_name, '|', c.own_thumbnail, '|',
                            CASE WHEN c.rendition_state = 'ready' THEN c.rendition_name END, '|',
                            c.storyboard_name, '|', c.poster_widths::text) END AS images
         FROM clips c JOIN videos v ON v.id = c.video_id
         WHERE (c.video_id, c.id) > (%(after_video)s, %(after_clip)s)
           AND (c.video_id, c.id) <= (%(upto_video)s, %(upto_clip)s)
         ORDER BY c.video_id, c.id LIMIT %(limit)s)
        UNION ALL
        (SELECT s.video_id, s.video_id,
                CASE WHEN s.status IN ('ready', 'failed') AND s.bin_etag IS NULL
                          AND v.deleted_at IS NULL
                          AND coalesce(s.attempted_at, s.created_at) < %(quiet_since)s
                THEN concat(s.poster_name, '||||', s.storyboard_name, '|') END
         FROM sources s JOIN videos v ON v.id = s.video_id
         WHERE s.video_id >= %(after_video)s AND s.video_id <= %(upto_video)s
           AND (s.video_id, s.video_id) > (%(after_video)s, %(after_clip)s)
           AND (s.video_id, s.video_id) <= (%(upto_video)s, %(upto_clip)s)
         ORDER BY s.video_id LIMIT %(limit)s)
        ORDER BY 1, 2 LIMIT %(limit)s
    ) AS in_range
    ORDER BY video_id, id
"""

_NAMED: LiteralString = f"""
    SELECT c.video_id, c.id, c.blob_name, c.status, c.etag, c.archived,
           coalesce(c.attempted_at, c.created_at) AS touched_at, c.bin_etag,
           c.poster_name, c.poster_widths, c.storyboard_name, c.preview_name, c.own_thumbnail,
           CASE WHEN c.rendition_state = 'ready' THEN c.rendition_name END AS rendition_name,
           {HIDDEN}
    FROM unnest(%(videos)s::uuid[], %(clips)s::uuid[]) AS n (video_id, id)
    JOIN clips c ON c.id = n.id AND c.video_id = n.video_id
    JOIN videos v ON v.id = c.video_id
    UNION ALL
    SELECT s.video_id, s.video_id, s.blob_name, s.status, s.etag, FALSE,
           coalesce(s.attempted_at, s.created_at), s.bin_etag,
           s.poster_name, NULL, s.storyboard_name, NULL, NULL, NULL, v.deleted_at, v.purge_at
    FROM unnest(%(videos)s::uuid[], %(clips)s::uuid[]) AS n (video_id, id)
    JOIN sources s ON s.video_id = n.video_id AND n.id = n.video_id
    JOIN videos v ON v.id = s.video_id
    ORDER BY 1, 2
"""


class ImagesInShort(NamedTuple):
    """A clip, or a source, by `{video_id}/{clip_id}`, and the names of its images without that.

    `images` are poster, preview, own thumbnail, playable copy, storyboard and widths of the poster,
    with SEPARATOR between them. None if it is not ready and visible, or has just changed: then it
    reads the whole row.
    """

    key: str
    images: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesRow:
    """A clip, or the source of a video (of the same id), with the images it should have."""

    video_id: UUID
    clip_id: UUID
    blob_name: str | None
    status: str
    etag: str | None
    archived: bool
    touched_at: datetime
    bin_etag: str | None
    poster_name: str | None
    poster_widths: Sequence[int]
    storyboard_name: str | None
    preview_name: str | None
    own_thumbnail: str | None
    rendition_name: str | None
    hidden_at: datetime | None
    purge_at: datetime | None

    @property
    def is_source(self) -> bool:
        return self.clip_id == self.video_id


# Video and clip.
type ImagesKey = tuple[UUID, UUID]


class DriftImages:
    # Rows of one part of a comparison.
    at_a_time = 5000

    def __init__(self, database: Database) -> None:
        self._database = database

    def in_short(
        self, after: ImagesKey, upto: ImagesKey, quiet_since: datetime
    ) -> Sequence[ImagesInShort]:
        """The first of the clips and sources in (after, upto], in their order."""
        (after_video, after_clip), (upto_video, upto_clip) = after, upto
        parameters = {
            "after_video": after_video,
            "after_clip": after_clip,
            "upto_video": upto_video,
            "upto_clip": upto_clip,
            "quiet_since": quiet_since,
            "limit": self.at_a_time,
        }
        return self._database.all_as(ImagesInShort, _IN_SHORT, parameters)

    def named(self, keys: Sequence[str]) -> Sequence[ImagesRow]:
        """Clips and sources by `{video_id}/{clip_id}`, in their order."""
        if not keys:
            return []
        videos, clips = zip(*(key.split("/") for key in keys), strict=True)
        parameters = {"videos": list(videos), "clips": list(clips)}
        return self._database.all_as(_images_row, _NAMED, parameters)


def _images_row(
    video_id: UUID,
    clip_id: UUID,
    blob_name: str | None,
    status: str,
    etag: str | None,
    archived: bool,  # noqa: FBT001 - a column, and called by the driver alone
    touched_at: datetime,
    bin_etag: str | None,
    poster_name: str | None,
    poster_widths: Sequence[int] | None,
    storyboard_name: str | None,
    preview_name: str | None,
    own_thumbnail: str | None,
    rendition_name: str | None,
    hidden_at: datetime | None,
    purge_at: datetime | None,
) -> ImagesRow:
    return ImagesRow(
        video_id=video_id,
        clip_id=clip_id,
        blob_name=blob_name,
        status=status,
        etag=etag,
        archived=archived,
        touched_at=touched_at,
        bin_etag=bin_etag,
        poster_name=poster_name,
        poster_widths=poster_widths or (),
        storyboard_name=storyboard_name,
        preview_name=preview_name,
        own_thumbnail=own_thumbnail,
        rendition_name=rendition_name,
        hidden_at=hidden_at,
        purge_at=purge_at,
    )
