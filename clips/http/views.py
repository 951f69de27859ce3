"""From the model to the JSON of responses (`outputs.py`). Pure.

A field that has the same name in the model and in the response is copied by its name: a new one
is added to both, and nothing here.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, cast
from uuid import UUID

import orjson

from clips.http import outputs
from shared.errors import CliplinkError
from shared.model import (
    Blob,
    CleanupRun,
    Clip,
    DriftKind,
    HealthReport,
    Media,
    MediaJson,
    MigrationReport,
    RecordedGrant,
    Rehydration,
    RetentionForecast,
    Share,
    ShownDrift,
    ShownRun,
    SignedLink,
    Source,
    Upload,
    Video,
)


def _fields_of(shape: type, *computed: str, **paths: str) -> Callable[[object], dict[str, Any]]:
    """Reads the fields of a shape from attributes of the same names, or at the given paths.

    The `computed` ones are None until the caller sets them.
    """
    empty = dict.fromkeys(shape.__annotations__)
    copied = [name for name in empty if name not in computed]
    read = attrgetter(*(paths.get(name, name) for name in copied))

    def fields(value: object) -> dict[str, Any]:
        # A page has a thousand clips. A copy is not resized as it fills, unlike `dict(zip(...))`.
        filled: dict[str, Any] = empty.copy()
        for name, content in zip(copied, read(value)):  # noqa: B905 - `strict` would double its cost
            filled[name] = content  # noqa: PERF403 - see above
        return filled

    return fields


_VIDEO = _fields_of(outputs.Video)
_RUN = _fields_of(outputs.CleanupRun)
_RETENTION = _fields_of(outputs.Retention)
_CLIP = _fields_of(
    outputs.Clip,
    "thumbnail_access_url",
    "media",
    "cut",
    "playback",
    placeholder="images.placeholder",
)
_SOURCE = _fields_of(outputs.AnnouncedSource, "storyboard_access_url", "media", "upload")
_SHARE = _fields_of(outputs.Share, "url")
_METADATA = _fields_of(outputs.Metadata, "media", "azure_metadata", clip_id="id")
_BLOB = _fields_of(outputs.BlobProperties, "url", "metadata")


def video(value: Video) -> outputs.Video:
    return cast("outputs.Video", _VIDEO(value))


def retention(value: RetentionForecast) -> outputs.Retention:
    return cast("outputs.Retention", _RETENTION(value))


def clip(value: Clip, thumbnail_access_url: str | None) -> outputs.Clip:
    fields = _CLIP(value)
    fields["thumbnail_access_url"] = thumbnail_access_url
    fields["media"] = _media(value.media)
    fields["cut"] = _stored(value.cut)
    fields["playback"] = _stored(value.playback)
    return cast("outputs.Clip", fields)


def new_clip(value: Clip, upload: Upload) -> outputs.AnnouncedClip:
    return {**clip(value, None), "upload": upload}


def source(
    value: Source, storyboard_url: str | None, upload: Upload | None
) -> outputs.AnnouncedSource:
    fields = _SOURCE(value)
    fields["storyboard_access_url"] = storyboard_url
    fields["media"] = _media(value.media)
    fields["upload"] = upload
    return cast("outputs.AnnouncedSource", fields)


def cut_failure(error: CliplinkError, client_id: str | None) -> outputs.CutFailure:
    return {"error": {"code": error.code, "detail": error.detail}, "client_id": client_id}


def access_url(clip_id: UUID, link: SignedLink, expiry_hours: int) -> outputs.AccessUrl:
    return {
        "clip_id": clip_id,
        "access_url": link.url,
        "expires_in_hours": expiry_hours,
        "expires_at": link.expires_at,
    }


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
    return {"clip_id": clip_id, "error": {"code": error.code, "detail": error.detail}}


def emptied(count: int) -> outputs.Emptied:
    return {"count": count}


def access_urls(clip_id: UUID, answer: SignedLink | CliplinkError) -> outputs.AccessUrlOrError:
    """The result for one of many clips: a link or an error."""
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
    return cast("outputs.Share", _SHARE(value) | {"url": url})


def metadata(value: Clip, blob: Blob | None) -> outputs.Metadata:
    fields = _METADATA(value)
    fields["media"] = _media(value.media)
    fields["azure_metadata"] = None if blob is None else _blob(blob, value.blob_url)
    return cast("outputs.Metadata", fields)


def drift(shown: ShownDrift) -> outputs.Drift:
    report = shown.run.report
    answer: dict[str, object] = {
        "id": report.id,
        "status": report.status,
        "progress": round(shown.run.progress, 3),
        "created_at": report.created_at,
        "finished_at": report.finished_at,
        "counts": {kind.value: report.counts.get(kind, 0) for kind in DriftKind},
        "samples": {kind.value: report.samples.get(kind, []) for kind in DriftKind},
        "lines_url": _lines_url(shown.run),
        "repair": None if shown.repair is None else _repair(shown.repair),
    }
    return cast("outputs.Drift", answer)


def _repair(shown: ShownRun) -> dict[str, object]:
    report = shown.report
    return {
        "id": report.id,
        "kinds": report.kinds,
        "status": report.status,
        "created_at": report.created_at,
        "finished_at": report.finished_at,
        "counts": report.counts,
        "samples": report.samples,
        "lines_url": _lines_url(shown),
    }


def _lines_url(shown: ShownRun) -> str | None:
    return None if shown.lines is None else shown.lines.url


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


def cleanup_run(value: CleanupRun) -> outputs.CleanupRun:
    return cast("outputs.CleanupRun", _RUN(value))


def health(value: HealthReport) -> outputs.Health:
    checks: outputs.Checks = {
        "database": _availability(value.database),
        "storage": _availability(value.storage),
    }
    view: outputs.Health = {"status": _availability(value.answers), "checks": checks}
    if value.held is not None:
        checks["reconciliation"] = "held"
        view["detail"] = value.held
        view["status"] = "degraded" if value.answers else "unavailable"
    return view


def message(text: str) -> outputs.Message:
    return {"message": text}


def _availability(answers: bool) -> outputs.Availability:  # noqa: FBT001 - the value itself
    return "ok" if answers else "unavailable"


def _readable(path: bytes) -> str:
    """A path in UTF-8; other bytes are escaped, as JSON cannot hold them."""
    return path.decode(errors="backslashreplace")


def _stored(text: str | None) -> orjson.Fragment | None:
    """JSON that goes into the answer as it is stored."""
    return None if text is None else orjson.Fragment(text)


def _media(stored: MediaJson | None) -> Media | None:
    """What is stored goes into the answer unread; the type is that of what it holds."""
    return None if stored is None else cast("Media", orjson.Fragment(stored))


def _blob(value: Blob, url: str | None) -> dict[str, Any]:
    return _BLOB(value) | {"url": url, "metadata": dict(value.metadata)}
