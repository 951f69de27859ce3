"""Many blobs missing at once are a fault of storage or settings: no clip is marked as lost."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import azure.functions as func
import pytest

from clips.handlers import system
from clips.http.inputs.base import AnyParameters, EmptyBody
from clips.http.request import AnonymousRequest
from clips.upkeep.differences import DifferenceFinder
from clips.upkeep.missing import Guard
from shared.blob_names.containers import Containers
from shared.catalogue.upkeep.upkeep_queries import Upkeep
from shared.errors import DatabaseUnavailable
from shared.model.blob import Blob
from shared.model.clip import ClipStatus
from shared.storage.sdk.blobs import Blobs
from tests.conftest import SetClock
from tests.integration.library import Library

_ADD = """
    INSERT INTO clips (id, video_id, start_time, end_time, duration, status, blob_name, etag,
                       created_at)
    VALUES (%(id)s, %(video_id)s, 0, 1, 1, 'ready', %(name)s, %(etag)s, now() - interval '1 hour')
"""


def add(library: Library, count: int, *, stored: bool) -> list[str]:
    """Ready clips, whose blobs have one byte or are missing."""
    names = []
    for _ in range(count):
        clip_id = uuid4()
        name = f"{library.video.id}/{clip_id}.mp4"
        etag = library.upload(name, b"x") if stored else "0x1"
        library.services.database.run(
            _ADD, {"id": clip_id, "video_id": library.video.id, "name": name, "etag": etag}
        )
        names.append(name)
    return names


def put_back(library: Library, names: Sequence[str]) -> None:
    for name in names:
        etag = library.upload(name, b"x")
        library.services.database.run(
            "UPDATE clips SET etag = %(etag)s WHERE blob_name = %(name)s",
            {"etag": etag, "name": name},
        )


def lost(library: Library) -> int:
    return sum(clip.status is ClipStatus.FAILED for clip in library.clips())


def health(library: Library) -> tuple[int, dict[str, object]]:
    http = func.HttpRequest(method="GET", url="/api/health", body=b"")
    request = AnonymousRequest(library.services, http, None)
    answer = system.health.handler(request, AnyParameters(), EmptyBody())
    assert isinstance(answer.body, dict)
    return answer.status, answer.body


@pytest.fixture
def later(clock: SetClock) -> None:
    """Moves the clock until reconciliation no longer skips the blobs as too new."""
    clock.now = datetime.now(UTC) + timedelta(minutes=5)


pytestmark = pytest.mark.usefixtures("later")


@pytest.mark.parametrize(("missing", "marked"), [(20, 20), (21, 0)])
def test_more_than_twenty_are_not_marked(library: Library, missing: int, marked: int) -> None:
    add(library, missing, stored=False)
    add(library, 1, stored=True)
    assert library.services.cleanup.run()["blobs_reconciled"] == marked
    assert lost(library) == marked


@pytest.mark.parametrize(
    ("missing", "expected", "guard"),
    [
        (20, 20, Guard.OPEN),  # no more than twenty
        (21, 104, Guard.HELD),  # 20.2 %
        (21, 105, Guard.OPEN),  # 20 %, and not more
        (2_000, 1_000_000, Guard.OPEN),
    ],
)
def test_limits_are_twenty_clips_and_twenty_percent(
    library: Library, missing: int, expected: int, guard: Guard
) -> None:
    assert library.services.missing_clips.judge(missing, expected) is guard
    assert (health(library)[1]["status"] == "degraded") is (guard is Guard.HELD)


def test_guard_is_logged_once_and_shown_until_the_blobs_are_back(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "clips")
    names = add(library, 21, stored=False)
    assert health(library) == (200, {"status": "ok", "checks": {"database": "ok", "storage": "ok"}})
    for _ in range(2):
        library.services.cleanup.run()
    assert caplog.text.count("The blobs of 21 of 21 clips are missing") == 1
    assert caplog.text.count("unmarked=21") == 2
    status, shown = health(library)
    assert (status, shown["status"]) == (200, "degraded")
    assert shown["checks"] == {"database": "ok", "storage": "ok", "reconciliation": "held"}
    assert "row_without_blob" in str(shown["detail"])
    put_back(library, names)
    library.services.cleanup.run()
    assert "The blobs are back" in caplog.text
    assert health(library)[1]["status"] == "ok"
    assert lost(library) == 0


def test_guard_stays_while_blobs_are_being_brought_back(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below a fifth, which would not have raised it; then the last ones are marked."""
    monkeypatch.setattr("clips.upkeep.missing.MOST_MISSING", 4)
    names = add(library, 30, stored=False)
    library.services.cleanup.run()
    put_back(library, names[5:])
    assert library.services.cleanup.run()["blobs_reconciled"] == 0
    assert health(library)[1]["status"] == "degraded"
    put_back(library, names[3:5])
    assert library.services.cleanup.run()["blobs_reconciled"] == 3
    assert lost(library) == 3
    assert health(library)[1]["status"] == "ok"


def test_admin_may_confirm_a_loss(library: Library, caplog: pytest.LogCaptureFixture) -> None:
    names = add(library, 30, stored=False)
    library.services.cleanup.run()
    missing = library.services.missing_clips
    assert [missing.mark(name, "0x1") for name in names] == [True] * 30
    missing.confirm()
    assert "The loss was confirmed" in caplog.text
    assert health(library)[1]["status"] == "ok"
    library.services.cleanup.run()
    assert health(library)[1]["status"] == "ok"
    assert lost(library) == 30


def test_confirmed_clips_that_are_stored_or_changed_are_not_marked(library: Library) -> None:
    (stored,), (changed,) = add(library, 1, stored=True), add(library, 1, stored=False)
    missing = library.services.missing_clips
    assert not missing.mark(stored, "0x1")
    assert not missing.mark(changed, "another version")
    assert lost(library) == 0


def test_loss_after_a_confirmation_is_held_again(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    add(library, 30, stored=False)
    library.services.cleanup.run()
    library.services.missing_clips.confirm()
    library.services.cleanup.run()
    assert caplog.text.count("clips are missing") == 2
    assert lost(library) == 0


def test_lost_events_are_repaired_while_the_guard_stands(library: Library, film: bytes) -> None:
    add(library, 30, stored=False)
    library.upload(f"{library.video.id}/forgotten.mp4", film)
    assert library.services.cleanup.run()["blobs_reconciled"] == 1


def test_deleted_failed_and_waiting_clips_are_not_counted(library: Library) -> None:
    add(library, 30, stored=False)
    library.services.database.run("UPDATE clips SET deleted_at = now()", {})
    for status in ("awaiting_upload", "failed"):
        for name in add(library, 15, stored=False):
            library.services.database.run(
                """UPDATE clips SET status = %(status)s,
                          failure_code = CASE %(status)s WHEN 'failed' THEN 'x' END,
                          failure_detail = CASE %(status)s WHEN 'failed' THEN 'x' END
                   WHERE blob_name = %(name)s""",
                {"name": name, "status": status},
            )
    library.services.cleanup.run()
    assert health(library)[1]["status"] == "ok"


def test_database_that_cannot_note_the_loss_marks_none(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(library, 30, stored=False)

    def refuse(*_: object) -> bool:
        raise DatabaseUnavailable("read-only")

    monkeypatch.setattr("shared.catalogue.upkeep.loss_queries.BulkLosses.note", refuse)
    with pytest.raises(DatabaseUnavailable):
        library.services.cleanup.run()
    assert lost(library) == 0


def test_more_missing_names_than_are_kept_are_marked_run_by_run(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clips.upkeep.differences._MOST", 4)
    add(library, 10, stored=False)
    done = [library.services.cleanup.run()["blobs_reconciled"] for _ in range(4)]
    assert done == [4, 4, 2, 0]


class _Listed(Blobs):
    """A listing of storage that a test sets."""

    def __init__(self, *pages: list[str]) -> None:  # of no account
        self._listed = pages

    def pages(
        self, container: str, prefix: str = "", *, metadata: bool = False
    ) -> Iterator[list[Blob]]:
        assert (container, prefix, metadata) == ("x-clips", "", True)
        for page in self._listed:
            yield [replace(_BLOB, name=name) for name in page]


_BLOB = Blob(
    name="",
    etag="0x1",
    size=1,
    last_modified=datetime.now(UTC) - timedelta(hours=1),
    content_type=None,
    content_md5=None,
    access_tier=None,
    metadata={},
)


@pytest.mark.parametrize("bad", ["\0", "\ud800", "漢" * 1000])
@pytest.mark.parametrize("place", ["before", "after", "alone"])
def test_name_that_cannot_be_stored_does_not_hide_others(
    library: Library, bad: str, place: str
) -> None:
    """At any position in a page; the last name of a page decides how far the catalogue is read."""
    first, gone, second, third = sorted(add(library, 4, stored=False))
    middle = f"{library.video.id}/~{bad}.mp4"
    pages = {
        "before": [[middle, first, second], [third]],
        "after": [[first, second, middle], [third]],
        "alone": [[first], [middle], [second, third]],
    }[place]
    services = library.services
    finder = DifferenceFinder(_Listed(*pages), Containers("x"), Upkeep(services.database))
    found = finder.find(services.clock())
    assert (found.expected, found.missing) == (4, [(gone, "0x1")])
    assert (found.to_process, found.unstorable.first) == ([], [middle])
