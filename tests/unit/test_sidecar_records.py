"""The content of a sidecar is checked before it reaches the database."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from clips.sidecars import sidecar_file
from clips.sidecars.records import ClipRecord
from clips.sidecars.sidecar_file import Unreadable
from shared.model.sidecar import SidecarKey, SidecarKind

VIDEO = UUID("0190a5c4-1111-7000-8000-00000000000a")
CLIP = UUID("0190a5c4-2222-7000-8000-00000000000b")
KEY = SidecarKey(SidecarKind.CLIP, VIDEO, CLIP)
GOOD: Mapping[str, Any] = {
    "format": 1,
    "kind": "clip",
    "id": str(CLIP),
    "video_id": str(VIDEO),
    "owner": {"user_id": str(VIDEO), "subject": "alice"},
    "changed_at": "2026-01-02T03:04:05.678901+00:00",
    "created_at": "2026-01-01T00:00:00Z",
    "status": "ready",
    "start_time": 1.5,
    "end_time": 4.0,
    "duration": 2.5,
    "blob_name": f"{VIDEO}/{CLIP}.mp4",
    "poster_name": f"{VIDEO}/{CLIP}/poster.jpg",
    "a_field_of_a_newer_version": {"is": "ignored"},
}
CUT: Mapping[str, object] = {
    "source_id": str(VIDEO),
    "source_is_clip": False,
    "source_blob": f"{VIDEO}.mp4",
    "source_etag": "0x1",
    "accuracy": "keyframe",
    "requested_start": 1,
    "requested_end": 2,
    "created_at": "2026-01-01T00:00:00Z",
}
ABSURD: Mapping[str, Mapping[str, object]] = {
    "another kind": {"kind": "video"},
    "another clip's name": {"id": str(VIDEO)},
    "another video's blob": {"blob_name": f"{CLIP}/{CLIP}.mp4"},
    "a blob's name that is too long": {"blob_name": f"{VIDEO}/{'x' * 3000}"},
    "another clip's poster": {"poster_name": f"{VIDEO}/{VIDEO}/poster.jpg"},
    "a poster by a path": {"poster_name": f"../{VIDEO}/{CLIP}/poster.jpg"},
    "another clip's rendition": {"rendition_name": f"{VIDEO}/{VIDEO}/play.mp4"},
    "another's thumbnail": {"own_thumbnail": "poster.jpg"},
    "no owner": {"owner": None},
    "an empty subject": {"owner": {"user_id": str(VIDEO), "subject": ""}},
    "an unknown status": {"status": "gone"},
    "a failure without failing": {"failure_code": "x", "failure_detail": "y"},
    "failing without a reason": {"status": "failed"},
    "an end before its start": {"end_time": 1.0},
    "a negative start": {"start_time": -1},
    "an endless start": {"start_time": 1e300},
    "no number": {"start_time": "NaN"},
    "no duration": {"duration": 0},
    "a size beyond a bigint": {"file_size": 1 << 70},
    "a time of the future": {"changed_at": "2999-01-01T00:00:00Z"},
    "a time before computers": {"created_at": "0001-01-01T00:00:00Z"},
    "a time without a zone": {"created_at": "2026-01-01T00:00:00"},
    "an expiry that Postgres cannot hold": {"expires_at": "9999-12-31T23:59:59Z"},
    "a purge without a deletion": {"purge_at": "2026-02-01T00:00:00Z"},
    "a title without end": {"title": "x" * 20_000},
    "a poster of no width": {"poster_widths": [0]},
    "a hundred posters": {"poster_widths": [1] * 100},
    "a NUL in its media": {"media": {"container": "a\0b"}},
    "media that is no object": {"media": [1]},
    "a cut of nothing": {"cut_order": {"source_id": str(VIDEO)}},
    "a cut of another video": {"cut_order": {**CUT, "source_blob": f"{CLIP}.mp4"}},
    "a cut of another video's clip": {
        "cut_order": {**CUT, "source_is_clip": True, "source_blob": f"{CLIP}/{VIDEO}.mp4"}
    },
    "a cut of a clip as if it were a source": {
        "cut_order": {**CUT, "source_blob": f"{VIDEO}/{CLIP}.mp4"}
    },
}


def sidecar(**changes: object) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def test_written_record_can_be_read() -> None:
    read = sidecar_file.parse(KEY, sidecar())
    assert isinstance(read, ClipRecord)
    row = read.model_dump(exclude={"format", "kind"})
    again = sidecar_file.parse(KEY, sidecar_file.render(SidecarKind.CLIP, row))
    assert again == read
    assert read.revision == 1_767_323_045_678_901


@pytest.mark.parametrize(
    "source",
    [
        {"source_is_clip": False, "source_blob": f"{VIDEO}.mov"},
        {"source_is_clip": True, "source_blob": f"{VIDEO}/any name.mp4"},
    ],
)
def test_cut_out_of_the_same_video_can_be_read(source: Mapping[str, object]) -> None:
    read = sidecar_file.parse(KEY, sidecar(cut_order={**CUT, **source}))
    assert isinstance(read, ClipRecord)
    assert read.cut_order is not None


@pytest.mark.parametrize("changes", ABSURD.values(), ids=ABSURD.keys())
def test_absurd_value_makes_a_sidecar_unreadable(changes: Mapping[str, object]) -> None:
    with pytest.raises(Unreadable) as problem:
        sidecar_file.parse(KEY, sidecar(**changes))
    assert problem.value.code == "invalid"


def test_newer_format_is_named() -> None:
    with pytest.raises(Unreadable) as problem:
        sidecar_file.parse(KEY, sidecar(format=2))
    assert problem.value.code == "unknown_format"


@pytest.mark.parametrize(
    ("address", "recorded"),
    [
        ("https://u:p@old.example.org/a.mp4?sig=x", "https://old.example.org/a.mp4"),
        ("s3://bucket/a.mp4", "s3://bucket/a.mp4"),
        ("https://old.example.org/a.mp4#token", "https://old.example.org/a.mp4"),
    ],
)
def test_old_address_loses_its_secrets(address: str, recorded: str) -> None:
    row = json.loads(sidecar_file.render(SidecarKind.CLIP, {"s3_url": address}))
    assert row["s3_url"] == recorded


@pytest.mark.parametrize("media", [None, {}, {"container": "mp4"}, {"duration": "x"}])
def test_media_of_another_shape_is_not_shown(media: dict[str, Any] | None) -> None:
    assert not sidecar_file.is_media_block(media)
