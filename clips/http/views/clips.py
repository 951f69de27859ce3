"""Views of videos, clips and the recycle bin. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from clips.http.outputs import clips as outputs
from clips.http.views.base import fields_of, item_error, stored_json, stored_media
from shared.errors import CliplinkError
from shared.model.blob import Blob
from shared.model.clip import Clip, Upload
from shared.model.video import RetentionForecast, Video

_VIDEO = fields_of(outputs.Video)
_RETENTION = fields_of(outputs.Retention)
_CLIP = fields_of(
    outputs.Clip,
    "thumbnail_access_url",
    "media",
    "cut",
    "playback",
    placeholder="images.placeholder",
)
_METADATA = fields_of(outputs.Metadata, "media", "azure_metadata", clip_id="id")
_BLOB = fields_of(outputs.BlobProperties, "url", "metadata")


def video(value: Video) -> outputs.Video:
    return cast("outputs.Video", _VIDEO(value))


def retention(value: RetentionForecast) -> outputs.Retention:
    return cast("outputs.Retention", _RETENTION(value))


def clip(value: Clip, thumbnail_access_url: str | None) -> outputs.Clip:
    fields = _CLIP(value)
    fields["thumbnail_access_url"] = thumbnail_access_url
    fields["media"] = stored_media(value.media)
    fields["cut"] = stored_json(value.cut)
    fields["playback"] = stored_json(value.playback)
    return cast("outputs.Clip", fields)


def new_clip(value: Clip, upload: Upload) -> outputs.AnnouncedClip:
    return {**clip(value, None), "upload": upload}


def bin_clip(value: Clip) -> outputs.BinClip:
    """Without a link to its poster: nothing in the bin can be opened."""
    return cast("outputs.BinClip", {"kind": "clip", **clip(value, None)})


def bin_video(value: Video) -> outputs.BinVideo:
    return cast("outputs.BinVideo", {"kind": "video", **video(value)})


def deleted_at(value: Clip | Video) -> datetime:
    """When something in the bin was deleted, which pages are sorted by."""
    assert value.deleted_at is not None  # noqa: S101 - else it would not be in the bin
    return value.deleted_at


def clip_outcomes(
    clip_ids: Sequence[UUID], outcomes: Mapping[UUID, CliplinkError | None]
) -> list[outputs.ClipOutcome]:
    return [_clip_outcome(clip_id, outcomes[clip_id]) for clip_id in clip_ids]


def _clip_outcome(clip_id: UUID, error: CliplinkError | None) -> outputs.ClipOutcome:
    if error is None:
        return {"clip_id": clip_id, "error": None}
    return {"clip_id": clip_id, "error": item_error(error)}


def emptied(count: int) -> outputs.Emptied:
    return {"count": count}


def metadata(value: Clip, blob: Blob | None) -> outputs.Metadata:
    fields = _METADATA(value)
    fields["media"] = stored_media(value.media)
    fields["azure_metadata"] = None if blob is None else _blob(blob, value.blob_url)
    return cast("outputs.Metadata", fields)


def _blob(value: Blob, url: str | None) -> dict[str, Any]:
    return _BLOB(value) | {"url": url, "metadata": dict(value.metadata)}
