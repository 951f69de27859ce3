"""Pinned clips stay; retention deletes by date, and announces what it will delete."""

import threading
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from shared.errors import GoneForGood, NotFound, Pinned
from shared.model.clip import UPLOAD_LIFE, ClipUpdate
from shared.model.video import RetentionForecast, VideoUpdate
from tests.conftest import SetClock
from tests.integration.library import Library

DAY = timedelta(days=1)
GRACE = 7 * DAY


@pytest.fixture
def aged(library: Library) -> list[UUID]:
    """Clips without files that are 1, 10, 20 and 30 days old, and a minute."""
    return [age(library, library.announce().id, days) for days in (1, 10, 20, 30)]


def age(library: Library, clip_id: UUID, days: int) -> UUID:
    library.services.database.run(
        """UPDATE clips SET created_at = now() - make_interval(days => %(days)s, mins => 1),
                  status = 'ready' WHERE id = %(id)s""",
        {"id": clip_id, "days": days},
    )
    return clip_id


def pin(library: Library, clip_id: UUID, *, pinned: bool = True) -> None:
    update = ClipUpdate(named=frozenset({"pinned"}), pinned=pinned)
    assert library.services.library.change(library.viewer, clip_id, update).clip.pinned is pinned


def expire(library: Library, clip_id: UUID) -> None:
    library.services.database.run(
        "UPDATE clips SET expires_at = now() WHERE id = %(id)s", {"id": clip_id}
    )


def set_retention(library: Library, days: int | None) -> None:
    update = VideoUpdate(named=frozenset({"retention_days"}), retention_days=days)
    video = library.services.library.change_video(library.viewer, library.video.id, update)
    assert video.retention_days == days


def end_grace(library: Library) -> None:
    library.services.database.run(
        "UPDATE videos SET retention_from = now() WHERE retention_days IS NOT NULL", {}
    )


def forecast(library: Library, days: int | None = None) -> RetentionForecast:
    return library.services.library.forecast_retention(library.viewer, library.video.id, days)


def left(library: Library) -> set[UUID]:
    return {clip.id for clip in library.clips()}


class TestPins:
    def test_deleting_a_pinned_clip_fails_until_it_is_unpinned(
        self, library: Library, film: bytes
    ) -> None:
        clip = library.landed(film)
        pin(library, clip.id)
        with pytest.raises(Pinned):
            library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
        assert library.clip(clip.id).pinned
        assert library.blobs() == {clip.blob_name}
        pin(library, clip.id, pinned=False)
        library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
        assert library.clips() == []

    def test_pinned_clip_of_another_user_looks_absent(self, library: Library) -> None:
        clip = library.announce()
        pin(library, clip.id)
        mallory = Library(library.services, "mallory")
        with pytest.raises(NotFound):
            library.services.bin.delete_clip(mallory.viewer, clip.id, permanent=True)
        with pytest.raises(NotFound):
            library.services.bin.delete_video(mallory.viewer, library.video.id, permanent=True)

    def test_video_with_a_pinned_clip_stays_whole(self, library: Library) -> None:
        clip, other = library.announce(), library.announce()
        pin(library, clip.id)
        with pytest.raises(Pinned):
            library.services.bin.delete_video(library.viewer, library.video.id, permanent=True)
        assert left(library) == {clip.id, other.id}
        pin(library, clip.id, pinned=False)
        library.services.bin.delete_video(library.viewer, library.video.id, permanent=True)
        with pytest.raises(NotFound):
            library.services.library.read_video(library.viewer, library.video.id)

    def test_expiry_spares_a_pinned_clip_and_takes_it_once_unpinned(
        self, library: Library, film: bytes
    ) -> None:
        clip, other = library.landed(film), library.landed(film)
        pin(library, clip.id)
        expire(library, clip.id)
        expire(library, other.id)
        assert left(library) == {clip.id}, "not even hidden"
        assert library.services.library.read_video(library.viewer, library.video.id).clip_count == 1
        assert library.clean_up()["clips_expired"] == 1
        assert library.blobs() == {clip.blob_name}
        pin(library, clip.id, pinned=False)
        assert library.clean_up()["clips_expired"] == 1
        assert library.everything_stored() == set()

    def test_pinned_clip_waits_for_its_upload_without_end(
        self, library: Library, clock: SetClock
    ) -> None:
        clip = library.announce()
        pin(library, clip.id)
        clock.now = datetime.now(UTC) + UPLOAD_LIFE + 30 * DAY
        assert library.services.cleanup.run()["uploads_abandoned"] == 0
        assert left(library) == {clip.id}

    @pytest.mark.parametrize("what", ["clip", "video"])
    def test_pin_and_deletion_at_once_never_both_succeed(
        self, library: Library, database_url: str, what: str
    ) -> None:
        """The deletion comes while the pin is not committed yet, and waits for it."""
        clip = library.announce()
        outcome: list[object] = []

        def delete() -> None:
            try:
                if what == "clip":
                    library.services.bin.delete_clip(library.viewer, clip.id)
                else:
                    library.services.bin.delete_video(library.viewer, library.video.id)
            except Pinned as error:
                outcome.append(error)

        with psycopg.connect(database_url) as pinning:
            pinning.execute("SELECT 1 FROM videos WHERE id = %s FOR SHARE", [library.video.id])
            pinning.execute("UPDATE clips SET pinned = TRUE WHERE id = %s", [clip.id])
            deleting = threading.Thread(target=delete)
            deleting.start()
            time.sleep(0.3)
            pinning.commit()
            deleting.join()
        assert len(outcome) == 1
        assert left(library) == {clip.id}

    def test_pinning_waits_for_a_deletion_of_the_video(
        self, library: Library, database_url: str
    ) -> None:
        clip = library.announce()
        outcome: list[object] = []

        def change() -> None:
            try:
                pin(library, clip.id)
            except NotFound as error:
                outcome.append(error)

        with psycopg.connect(database_url) as deleting:
            deleting.execute("UPDATE videos SET deleted_at = now()")
            pinning = threading.Thread(target=change)
            pinning.start()
            time.sleep(0.3)
            deleting.commit()
            pinning.join()
        assert len(outcome) == 1


class TestRetention:
    def test_new_retention_deletes_nothing_for_seven_days(
        self, library: Library, aged: list[UUID]
    ) -> None:
        before = datetime.now(UTC)
        set_retention(library, 15)
        assert library.services.cleanup.run()["clips_past_retention"] == 0
        start = forecast(library).effective_from
        assert start is not None
        assert timedelta() <= start - (before + GRACE) < timedelta(minutes=1)
        end_grace(library)
        assert library.services.cleanup.run()["clips_past_retention"] == 2
        assert left(library) == set(aged[:2])

    def test_shortened_retention_deletes_nothing_for_seven_days(
        self, library: Library, aged: list[UUID]
    ) -> None:
        set_retention(library, 25)
        end_grace(library)
        set_retention(library, 15)
        assert library.services.cleanup.run()["clips_past_retention"] == 0
        assert left(library) == set(aged)

    @pytest.mark.usefixtures("aged")
    @pytest.mark.parametrize("days", [15, 25])
    def test_same_or_longer_retention_keeps_its_start(self, library: Library, days: int) -> None:
        set_retention(library, 15)
        end_grace(library)
        set_retention(library, days)
        assert library.services.cleanup.run()["clips_past_retention"] == {15: 2, 25: 1}[days]

    def test_retention_that_is_set_again_counts_as_new(
        self, library: Library, aged: list[UUID]
    ) -> None:
        set_retention(library, 15)
        end_grace(library)
        set_retention(library, None)
        set_retention(library, 15)
        assert library.services.cleanup.run()["clips_past_retention"] == 0
        assert left(library) == set(aged)

    def test_pinned_clips_and_other_videos_are_spared(
        self, library: Library, aged: list[UUID]
    ) -> None:
        other = Library(library.services, "bob")
        theirs = age(other, other.announce().id, 100)
        pin(library, aged[3])
        set_retention(library, 1)
        end_grace(library)
        library.services.cleanup.run()
        assert left(library) == {aged[3]}
        assert left(other) == {theirs}

    def test_retention_deletes_clips_permanently(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        age(library, clip.id, 3)
        set_retention(library, 2)
        end_grace(library)
        library.clean_up()
        assert library.everything_stored() == set()
        assert left(library) == set()

    @pytest.mark.usefixtures("aged")
    def test_change_of_the_title_leaves_the_retention_alone(self, library: Library) -> None:
        set_retention(library, 15)
        end_grace(library)
        update = VideoUpdate(named=frozenset({"title"}), title="Another")
        video = library.services.library.change_video(library.viewer, library.video.id, update)
        assert (video.title, video.retention_days) == ("Another", 15)
        assert library.services.cleanup.run()["clips_past_retention"] == 2

    def test_video_of_another_user_looks_absent(self, library: Library) -> None:
        mallory = Library(library.services, "mallory").viewer
        service, video_id = library.services.library, library.video.id
        update = VideoUpdate(named=frozenset({"retention_days"}), retention_days=1)
        with pytest.raises(NotFound):
            service.change_video(mallory, video_id, update)
        with pytest.raises(NotFound):
            service.forecast_retention(mallory, video_id, 1)
        with pytest.raises(NotFound):
            service.forecast_retention(library.viewer, uuid4(), None)

    def test_clip_that_always_raises_does_not_stop_others(
        self, library: Library, aged: list[UUID], caplog: pytest.LogCaptureFixture
    ) -> None:
        set_retention(library, 5)
        end_grace(library)
        refuse_changes(library, aged[2])
        assert library.services.cleanup.run()["clips_past_retention"] == 2
        assert left(library) == {aged[0], aged[2]}
        assert f"An item failed and will be tried again: clip {aged[2]}" in caplog.text


@pytest.mark.parametrize("what", ["clip", "many", "video"])
def test_retention_spares_restored_clips_for_seven_days(
    library: Library, aged: list[UUID], what: str
) -> None:
    """The retention of such a clip ended while it was in the bin: it would be deleted at once."""
    bin_ = library.services.bin
    set_retention(library, 15)
    end_grace(library)
    if what == "video":
        bin_.delete_video(library.viewer, library.video.id)
        bin_.restore_video(library.viewer, library.video.id)
        spared = {aged[2], aged[3]}
    else:
        bin_.delete_clip(library.viewer, aged[3])
        restore = bin_.restore_clip if what == "clip" else lambda v, c: bin_.restore_clips(v, [c])
        restore(library.viewer, aged[3])
        spared = {aged[3]}
    found = forecast(library)
    assert library.services.cleanup.run()["clips_past_retention"] == 2 - len(spared)
    assert left(library) == {*aged[:2], *spared}
    assert found.last_at is not None
    assert found.last_at - datetime.now(UTC) > GRACE - timedelta(minutes=1)
    for table in ("clips", "videos"):
        library.services.database.run(
            f"UPDATE {table} SET retention_from = now() WHERE retention_from IS NOT NULL", {}
        )
    library.services.cleanup.run()
    assert left(library) == set(aged[:2])


def test_restored_video_without_retention_has_none(library: Library) -> None:
    library.services.bin.delete_video(library.viewer, library.video.id)
    library.services.bin.restore_video(library.viewer, library.video.id)
    set_retention(library, 15)
    assert forecast(library).retention_days == 15


def test_clip_that_expires_in_the_bin_is_not_restored(library: Library, aged: list[UUID]) -> None:
    library.services.bin.delete_clip(library.viewer, aged[0])
    expire(library, aged[0])
    with pytest.raises(GoneForGood):
        library.services.bin.restore_clip(library.viewer, aged[0])


MEANWHILE = {
    "pinned": ("UPDATE clips SET pinned = TRUE", "UPDATE clips SET expires_at = now()"),
    "expiry lifted": ("UPDATE clips SET expires_at = NULL", "UPDATE clips SET expires_at = now()"),
    "pinned before its retention": ("UPDATE clips SET pinned = TRUE", None),
    "retention lifted": ("UPDATE videos SET retention_days = NULL", None),
    "retention lengthened": ("UPDATE videos SET retention_days = 100", None),
}


@pytest.mark.parametrize("what", MEANWHILE)
def test_change_that_is_being_written_is_heeded(
    library: Library, aged: list[UUID], database_url: str, what: str
) -> None:
    """The cleanup waits for rows that another call has changed but not committed."""
    change, expiry = MEANWHILE[what]
    if expiry is None:
        set_retention(library, 1)
        end_grace(library)
    else:
        library.services.database.run(expiry, {})
    with psycopg.connect(database_url) as changing:
        changing.execute(change)
        cleaning = threading.Thread(target=library.services.cleanup.run)
        cleaning.start()
        time.sleep(0.5)
        assert cleaning.is_alive()
        changing.commit()
        cleaning.join()
    assert left(library) == set(aged)


def refuse_changes(library: Library, clip_id: UUID) -> None:
    """Makes every change of that row fail."""
    for statement in (
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'no'; END $$""",
        "CREATE TABLE refused AS SELECT %(id)s::uuid AS id",
        """CREATE FUNCTION refused(uuid) RETURNS boolean LANGUAGE sql AS
           $$ SELECT EXISTS (SELECT FROM refused WHERE id = $1) $$""",
        """CREATE TRIGGER refuse BEFORE UPDATE ON clips FOR EACH ROW
           WHEN (refused(OLD.id)) EXECUTE FUNCTION refuse()""",
    ):
        library.services.database.run(statement, {"id": clip_id})


class TestForecast:
    @pytest.mark.usefixtures("aged")
    def test_video_without_retention_keeps_its_clips(self, library: Library) -> None:
        found = forecast(library)
        assert (found.retention_days, found.effective_from) == (None, None)
        assert (found.clips, found.pinned, found.first_at, found.days) == (0, 0, None, [])

    @pytest.mark.usefixtures("aged")
    def test_forecast_changes_nothing(self, library: Library) -> None:
        found = forecast(library, 15)
        assert (found.retention_days, found.clips) == (15, 4)
        assert forecast(library).retention_days is None

    def test_forecast_has_numbers_and_dates(self, library: Library, aged: list[UUID]) -> None:
        """Two are overdue and are deleted at the end of the grace time, the others at their age."""
        now = datetime.now(UTC)
        pin(library, aged[3])
        set_retention(library, 15)
        found = forecast(library)
        assert (found.clips, found.pinned) == (3, 1)
        assert found.first_at == found.effective_from
        assert found.first_at is not None
        assert found.last_at is not None
        assert abs(found.last_at - (now + 14 * DAY)) < timedelta(minutes=2)
        assert sum(day.clips for day in found.days) == 3
        assert found.days[0].date == found.first_at.date()
        assert [day.clips for day in found.days] in ([2, 1], [1, 1, 1])

    @pytest.mark.usefixtures("aged")
    def test_forecast_counts_overdue_clips_as_due_now(self, library: Library) -> None:
        set_retention(library, 25)
        end_grace(library)
        first = forecast(library).first_at
        assert first is not None
        assert abs(first - datetime.now(UTC)) < timedelta(minutes=1)

    def test_clips_that_expire_before_are_not_counted(
        self, library: Library, aged: list[UUID]
    ) -> None:
        for clip_id in aged[:2]:
            update = ClipUpdate(
                named=frozenset({"expires_at"}), expires_at=datetime.now(UTC) + timedelta(hours=1)
            )
            library.services.library.change(library.viewer, clip_id, update)
        assert forecast(library, 15).clips == 2

    @pytest.mark.usefixtures("aged")
    def test_list_of_days_is_bounded(
        self, library: Library, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.catalogue.upkeep.retention_queries.MOST_DAYS", 2)
        found = forecast(library, 365)
        assert (found.clips, len(found.days)) == (4, 2)
