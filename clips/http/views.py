"""From the model to the JSON of responses (`outputs.py`). Pure."""

from typing import cast
from uuid import UUID

import orjson

from clips.http import outputs
from shared.errors import CliplinkError
from shared.model import (
    Blob,
    Clip,
    Media,
    MediaJson,
    MigrationReport,
    RecordedGrant,
    Rehydration,
    Share,
    SignedLink,
    Upload,
    Video,
)


def video(value: Video) -> outputs.Video:
    return {
        "id": value.id,
        "title": value.title,
        "youtube_id": value.youtube_id,
        "status": value.status,
        "created_at": value.created_at,
        "clip_count": value.clip_count,
    }


def clip(value: Clip, thumbnail_access_url: str | None) -> outputs.Clip:
    return {
        "id": value.id,
        "video_id": value.video_id,
        "title": value.title,
        "status": value.status,
        "failure": value.failure,
        "blob_url": value.blob_url,
        "thumbnail_url": value.thumbnail_url,
        "thumbnail_access_url": thumbnail_access_url,
        "placeholder": value.images.placeholder,
        "start_time": value.start_time,
        "end_time": value.end_time,
        "duration": value.duration,
        "file_size": value.file_size,
        "content_type": value.content_type,
        "created_at": value.created_at,
        "expires_at": value.expires_at,
        "view_count": value.view_count,
        "media": _media(value.media),
    }


def new_clip(value: Clip, upload: Upload) -> outputs.AnnouncedClip:
    return {**clip(value, None), "upload": upload}


def access_url(clip_id: UUID, link: SignedLink, expiry_hours: int) -> outputs.AccessUrl:
    return {
        "clip_id": clip_id,
        "access_url": link.url,
        "expires_in_hours": expiry_hours,
        "expires_at": link.expires_at,
    }


def access_urls(clip_id: UUID, answer: SignedLink | CliplinkError) -> outputs.AccessUrlOrError:
    """One of many: a link, or the error that stands in its place."""
    if isinstance(answer, CliplinkError):
        error: outputs.AccessError = {"code": answer.code, "detail": answer.detail}
        return {"clip_id": clip_id, "access_url": None, "expires_at": None, "error": error}
    return {
        "clip_id": clip_id,
        "access_url": answer.url,
        "expires_at": answer.expires_at,
        "error": None,
    }


def rehydrating(clip_id: UUID, waiting: Rehydration) -> outputs.Rehydrating:
    return {
        "clip_id": clip_id,
        "status": "rehydrating",
        "priority": waiting.priority,
        "retry_after": waiting.retry_after,
    }


def redirect(link: SignedLink) -> outputs.Redirect:
    return {"access_url": link.url, "expires_at": link.expires_at}


def grant(value: RecordedGrant) -> outputs.Grant:
    return {
        "id": value.link_id,
        "who": value.who,
        "clip_id": value.clip_id,
        "variant": value.variant,
        "ip": value.ip,
        "from": value.starts_at,
        "until": value.expires_at,
        "share_id": value.share_id,
        "granted_at": value.granted_at,
    }


def share(value: Share, url: str | None) -> outputs.Share:
    return {
        "id": value.id,
        "clip_id": value.clip_id,
        "url": url,
        "expires_at": value.expires_at,
        "max_views": value.max_views,
        "views": value.views,
        "ip": value.ip,
        "created_at": value.created_at,
        "revoked_at": value.revoked_at,
    }


def metadata(value: Clip, blob: Blob | None) -> outputs.Metadata:
    return {
        "clip_id": value.id,
        "video_id": value.video_id,
        "start_time": value.start_time,
        "end_time": value.end_time,
        "duration": value.duration,
        "file_size": value.file_size,
        "created_at": value.created_at,
        "blob_url": value.blob_url,
        "thumbnail_url": value.thumbnail_url,
        "media": _media(value.media),
        "azure_metadata": None if blob is None else _blob(blob, value.blob_url),
    }


def migration(report: MigrationReport) -> outputs.Migration:
    value = report.migration
    failures: list[outputs.MigrationFailure] = [
        {
            "clip_id": file.clip_id,
            "code": file.failure.code,
            "detail": f"{_readable(file.path)}: {file.failure.detail}",
        }
        for file in report.failures
    ]
    if value.failure is not None:
        failures.append(
            {"clip_id": None, "code": value.failure.code, "detail": value.failure.detail}
        )
    return {
        "id": value.id,
        "status": value.status,
        "total": value.total,
        "migrated": value.migrated,
        "skipped": value.skipped,
        "failed": value.failed,
        "failures": failures,
        "unmatched": [
            {"path": _readable(file.path), "code": file.failure.code, "detail": file.failure.detail}
            for file in report.unmatched
        ],
        "no_file": list(report.no_file),
        "created_at": value.created_at,
        "finished_at": value.finished_at,
    }


def message(text: str) -> outputs.Message:
    return {"message": text}


def _readable(path: bytes) -> str:
    """A path that is no UTF-8 has its odd bytes written out: JSON has no others."""
    return path.decode(errors="backslashreplace")


def _media(stored: MediaJson | None) -> Media | None:
    """What is stored goes into the answer as it is: what it looks like there, mypy is told."""
    return None if stored is None else cast("Media", orjson.Fragment(stored))


def _blob(value: Blob, url: str | None) -> outputs.BlobProperties:
    return {
        "name": value.name,
        "size": value.size,
        "last_modified": value.last_modified,
        "content_type": value.content_type,
        "metadata": dict(value.metadata),
        "url": url,
        "etag": value.etag,
        "access_tier": value.access_tier,
        "content_md5": value.content_md5,
    }
