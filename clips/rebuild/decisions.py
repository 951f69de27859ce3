"""How a clip or a source is restored from its sidecar and from what is in storage. Pure.

If storage has what the sidecar says, the row is restored as it was, ready to be played. Everything
else is left to the ingest: the row says `processing`, and reconciliation processes the blob.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from clips.sidecars.records import ClipRecord, SourceRecord, VideoRecord
from clips.sidecars.sidecar_file import is_media_block, is_playback_block
from shared import blob_names
from shared.model.blob import Blob
from shared.model.failure import MISSING, PASSING_FAILURES
from shared.model.link import ImageFormat

# Values of a row by the names of their columns, as JSON.
type RowValues = dict[str, Any]

_NOT_COLUMNS = {"format", "kind", "owner", "cut_order"}
# The columns that ingest fills; it fills all of them again.
_MADE_BY_INGEST = (
    *("etag", "file_size", "content_md5", "media", "playback", "failure_code", "failure_detail"),
    *("poster_name", "poster_widths", "storyboard_name", "preview_name", "placeholder"),
    *("rendition_state", "rendition_code", "rendition_name", "rendition_etag"),
)
_MADE_BY_SOURCE_INGEST = (
    *("etag", "file_size", "duration", "media", "keyframe_interval", "poster_name"),
    *("storyboard_name", "failure_code", "failure_detail"),
)


class RestoredState(StrEnum):
    """The state in which a clip or a source is restored."""

    READY = "ready"
    PROCESSING = "processing"
    AWAITING_UPLOAD = "awaiting_upload"
    FAILED = "failed"
    WITHOUT_BLOB = "without_blob"
    IN_BIN = "in_bin"
    BEING_DELETED = "being_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredParts:
    """What is in storage for a row: its blob, the one in the bin, the names of its images."""

    blob: Blob | None
    binned: Blob | None
    images: Collection[str]
    video_is_hidden: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """The row that a sidecar becomes, and that of its cut."""

    state: RestoredState
    row: RowValues
    cut: RowValues | None = None


@dataclass(frozen=True, slots=True)
class Addresses:
    """The plain addresses of blobs in the containers of clips and thumbnails."""

    clip: Callable[[str], str]
    image: Callable[[str], str]


def restored_clip(record: ClipRecord, stored: StoredParts, addresses: Addresses) -> Restored:
    row = record.model_dump(mode="json", exclude=_NOT_COLUMNS)
    state = _decide_clip(record, stored, row)
    poster, own = row["poster_name"], row["own_thumbnail"]
    row |= {
        "blob_url": addresses.clip(record.blob_name) if record.blob_name else record.s3_url,
        "thumbnail_url": addresses.image(poster) if poster else None,
        "own_thumbnail_url": addresses.image(own) if own else None,
        "archived": stored.blob is not None and stored.blob.archived,
        "bin_etag": stored.binned.etag if stored.binned and stored.blob is None else None,
    }
    return Restored(state, row, _cut_row(record))


def restored_source(record: SourceRecord, stored: StoredParts) -> Restored:
    row = record.model_dump(mode="json", exclude=_NOT_COLUMNS)
    row["bin_etag"] = stored.binned.etag if stored.binned and stored.blob is None else None
    return Restored(_decide_source(record, stored, row), row)


def video_row(record: VideoRecord, user_id: UUID) -> RowValues:
    row = record.model_dump(mode="json", exclude=_NOT_COLUMNS)
    return row | {"user_id": str(user_id)}


def images_of(record: ClipRecord) -> set[str]:
    """The names of the blobs of all images of a clip."""
    at = (record.video_id, record.id)
    named = {record.poster_name, record.preview_name, record.storyboard_name} - {None}
    names = {name for name in named if name is not None}
    names |= {
        blob_names.poster_size(*at, width, image_format)
        for width in record.poster_widths or ()
        for image_format in ImageFormat
    }
    if record.storyboard_name is not None:
        names.add(blob_names.storyboard_sheet(*at))
    return names


def _decide_clip(record: ClipRecord, stored: StoredParts, row: RowValues) -> RestoredState:
    """Changes the row to what storage allows; returns its state."""
    if record.deleted_at is not None:
        return RestoredState.IN_BIN if record.purge_at is not None else RestoredState.BEING_DELETED
    if stored.video_is_hidden:
        return RestoredState.IN_BIN
    if stored.blob is None:
        return _decide_without_blob(record, stored, row)
    if _is_as_described(record, stored.blob):
        row["etag"] = stored.blob.etag
        if record.status == "failed" and record.failure_code not in PASSING_FAILURES:
            return RestoredState.FAILED
        if record.status == "ready" and _is_complete(record, stored.images):
            _decide_rendition(record, stored, row)
            return RestoredState.READY
    return _to_be_processed(row, _MADE_BY_INGEST)


def _decide_without_blob(record: ClipRecord, stored: StoredParts, row: RowValues) -> RestoredState:
    if stored.binned is not None:  # its bytes are being moved back from the bin
        return _to_be_processed(row, _MADE_BY_INGEST)
    if record.cut_order is not None and record.cut_order.finished_at is None:
        return RestoredState.PROCESSING  # the queue will cut it
    if record.blob_name is None:  # a clip of the old service
        return RestoredState.AWAITING_UPLOAD
    return _decide_missing(record.status, row)


def _decide_missing(status: str, row: RowValues) -> RestoredState:
    """A file that is not in storage: it was awaited, had failed, or was lost."""
    if status == "awaiting_upload":
        return RestoredState.AWAITING_UPLOAD
    if status == "failed":
        return RestoredState.FAILED
    row |= {"status": "failed", "failure_code": MISSING.code, "failure_detail": MISSING.detail}
    return RestoredState.WITHOUT_BLOB


def _decide_rendition(record: ClipRecord, stored: StoredParts, row: RowValues) -> None:
    """Keeps a playable copy that is stored; one that was being made is queued again."""
    blob = stored.blob
    if blob is None or record.rendition_state in {None, "failed", "refused"}:
        return
    row["rendition_etag"] = blob.etag
    if record.rendition_etag != record.etag:
        row["rendition_state"] = row["rendition_name"] = row["rendition_etag"] = None
    elif record.rendition_state != "ready" or record.rendition_name not in stored.images:
        row |= {"rendition_state": "queued", "rendition_name": None}


def _decide_source(record: SourceRecord, stored: StoredParts, row: RowValues) -> RestoredState:
    if stored.video_is_hidden:
        return RestoredState.IN_BIN
    if stored.blob is None:
        if stored.binned is not None:
            return _to_be_processed(row, _MADE_BY_SOURCE_INGEST)
        return _decide_missing(record.status, row)
    if record.etag == stored.blob.etag:
        if record.status == "failed" and record.failure_code not in PASSING_FAILURES:
            return RestoredState.FAILED
        images = {record.poster_name, record.storyboard_name} - {None}
        if (
            record.status == "ready"
            and is_media_block(record.media)
            and images <= set(stored.images)
        ):
            return RestoredState.READY
    return _to_be_processed(row, _MADE_BY_SOURCE_INGEST)


def _to_be_processed(row: RowValues, made: Collection[str]) -> RestoredState:
    row |= dict.fromkeys(made) | {"status": "processing"}
    return RestoredState.PROCESSING


def _is_as_described(record: ClipRecord, blob: Blob) -> bool:
    """Whether it is the same version of the blob, or a copy of it with the same checksum."""
    if record.etag is not None and record.etag == blob.etag:
        return True
    same_bytes = record.content_md5 is not None and record.content_md5 == blob.content_md5
    return same_bytes and record.file_size == blob.size


def _is_complete(record: ClipRecord, images: Collection[str]) -> bool:
    """Whether everything that ingest made is stored, and can be shown."""
    shown = is_media_block(record.media) and (
        record.playback is None or is_playback_block(record.playback)
    )
    return shown and images_of(record) <= set(images)


def _cut_row(record: ClipRecord) -> RowValues | None:
    if record.cut_order is None:
        return None
    of_clip = {"clip_id": str(record.id), "video_id": str(record.video_id)}
    return record.cut_order.model_dump(mode="json") | of_clip
