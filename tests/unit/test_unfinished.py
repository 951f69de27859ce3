"""Files that may still be unfinished: copied, empty so far, or growing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clips.ingest.unfinished import may_be_continued, may_be_filled
from shared.model.blob import Blob

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
OLD = Blob(
    name="v/a.mp4",
    etag="1",
    size=0,
    last_modified=NOW - timedelta(minutes=30),
    content_type=None,
    content_md5=None,
    access_tier=None,
    metadata={},
)
YOUNG = replace(OLD, last_modified=NOW - timedelta(minutes=1))


@pytest.mark.parametrize(
    ("blob", "link_minutes"),
    [(OLD, 1), (YOUNG, None), (replace(OLD, size=5, copy_status="pending"), None)],
)
def test_blob_waits_for_its_first_bytes(blob: Blob, link_minutes: int | None) -> None:
    assert may_be_filled(blob, NOW, link_end(link_minutes))


@pytest.mark.parametrize(
    ("blob", "link_minutes"),
    [
        (OLD, None),
        (OLD, -1),
        (replace(YOUNG, size=1), 60),
        (replace(OLD, size=5, copy_status="success"), 1),
        (replace(OLD, copy_status="aborted"), None),
    ],
)
def test_blob_waits_no_longer(blob: Blob, link_minutes: int | None) -> None:
    assert not may_be_filled(blob, NOW, link_end(link_minutes))


def link_end(minutes: int | None) -> datetime | None:
    return None if minutes is None else NOW + timedelta(minutes=minutes)


def test_only_a_blob_that_is_written_piece_by_piece_may_be_continued() -> None:
    assert may_be_continued(YOUNG, NOW)
    assert not may_be_continued(OLD, NOW)
    assert not may_be_continued(replace(YOUNG, content_md5="a"), NOW)
