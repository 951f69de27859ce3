"""The properties of a blob as the SDK has them, and as this app does."""

from base64 import b64encode
from typing import TYPE_CHECKING

from shared.model.blob import Blob, RehydratePriority

if TYPE_CHECKING:
    from azure.storage.blob import BlobProperties


def blob_of(properties: "BlobProperties") -> Blob:
    md5 = properties.content_settings.content_md5
    return Blob(
        name=str(properties.name),
        etag=str(properties.etag).strip('"'),
        size=int(properties.size),
        last_modified=properties.last_modified,
        content_type=properties.content_settings.content_type,
        content_md5=b64encode(bytes(md5)).decode() if md5 else None,
        access_tier=str(properties.blob_tier) if properties.blob_tier else None,
        rehydrating=_rehydrating(properties),
        copy_status=properties.copy.status,
        metadata=dict(properties.metadata or {}),
    )


def _rehydrating(properties: "BlobProperties") -> RehydratePriority | None:
    if not (properties.archive_status or "").startswith("rehydrate-pending"):
        return None
    high = (properties.rehydrate_priority or "").lower() == RehydratePriority.HIGH
    return RehydratePriority.HIGH if high else RehydratePriority.STANDARD
