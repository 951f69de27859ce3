"""Reads what the catalogue records about a blob that has landed."""

from uuid import UUID

from clips.ingest.metadata import notes_of
from shared import blob_names
from shared.catalogue.ingest.admission import Landing
from shared.model.blob import Blob
from shared.model.media_types import of_name, servable


def landing_of(blob: Blob, url: str, video_id: UUID) -> Landing:
    """What the catalogue records about a blob below a video; `url` is its plain address."""
    notes = notes_of(blob.metadata)
    return Landing(
        blob_name=blob.name,
        blob_url=url,
        video_id=video_id,
        id_in_name=blob_names.clip_id_of(blob.name),
        etag=blob.etag,
        size=blob.size,
        content_type=servable(blob.content_type) or of_name(blob.name),
        content_md5=blob.content_md5,
        start_time=notes.start_time,
        end_time=notes.end_time,
        title=notes.title,
    )
