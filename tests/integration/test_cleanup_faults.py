"""Each failure is logged by name and counted; all other items and steps of a cleanup go on."""

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from clips.upkeep.items import each
from local import postgres
from shared.errors import BlobHeld, DatabaseUnavailable, StorageUnavailable, Unavailable
from shared.model.cleanup import CleanupRun, StepFailure
from shared.settings import Settings
from tests.conftest import SetClock
from tests.integration.library import Library

FAULTS = {
    "blob_held": BlobHeld("A policy keeps it."),
    "storage_unavailable": StorageUnavailable("Away."),
    "database_unavailable": DatabaseUnavailable("It accepts no changes."),
    "internal_error": psycopg.DataError("a name that cannot be stored"),
}


def runs(library: Library) -> list[CleanupRun]:
    return list(library.services.cleanup.runs(100, None))


def last_run(library: Library) -> CleanupRun:
    return runs(library)[0]


def clean(library: Library) -> CleanupRun:
    """Runs a cleanup, which may report an outage at its end, and reads its record."""
    with suppress(Unavailable):
        library.services.cleanup.run()
    return last_run(library)


@pytest.mark.parametrize("code", FAULTS)
def test_failed_step_does_not_stop_others(
    library: Library, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each step fails once, alone."""
    cleanup = library.services.cleanup
    names = list(cleanup._steps)
    ran: list[str] = []

    def counted(name: str, step: str) -> Callable[[], int]:
        def run() -> int:
            ran.append(name)
            if name == step:
                raise FAULTS[code]
            return 1

        return run

    for step in names:
        ran.clear()
        cleanup._steps = {name: counted(name, step) for name in names}
        run = clean(library)
        assert ran == names
        failures = [(failure.step, failure.item, failure.code) for failure in run.failures]
        assert failures == [(step, f"cleanup step {step}", code)]
        assert sum(run.counts[name] for name in names) == len(names) - 1
        assert sum(run.counts[total] for total in ("outages", "held", "failures")) == 1
        assert f"cleanup step {step}" in caplog.text


# --- One item that raises every time, step by step: of three the others are done


class Three:
    """Three items of a step; the second always fails."""

    def __init__(self, library: Library, film: bytes) -> None:
        self.library = library
        self.film = film
        self.database = library.services.database

    def refuse(self, table: str, condition: str, value: object) -> None:
        """Makes every statement that changes the row fail."""
        escaped = sql.Literal(value).as_string()
        self.database.run(
            """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN RAISE EXCEPTION 'refused'; END $$""",
            {},
        )
        statement = f"""CREATE TRIGGER refuse BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW
                        WHEN (OLD.{condition} = {escaped}) EXECUTE FUNCTION refuse()"""
        self.database.run(statement, {})

    def announced(self) -> list[UUID]:
        return [self.library.announce().id for _ in range(3)]

    def expired(self) -> str:
        ids = self.announced()
        self.database.run("UPDATE clips SET expires_at = now()", {})
        self.refuse("clips", "id", ids[1])
        return f"clip {ids[1]}"

    def past_retention(self) -> str:
        ids = self.announced()
        self.database.run("UPDATE clips SET created_at = now() - interval '9 days'", {})
        self.database.run("UPDATE videos SET retention_days = 3", {})
        self.database.run("UPDATE videos SET retention_from = now()", {})
        self.refuse("clips", "id", ids[1])
        return f"clip {ids[1]}"

    def abandoned(self) -> str:
        ids = self.announced()
        self.database.run("UPDATE clips SET created_at = now() - interval '9 days'", {})
        self.refuse("clips", "id", ids[1])
        return f"clip {ids[1]}"

    def missing(self) -> str:
        clips = [self.library.landed(self.film) for _ in range(3)]
        for clip in clips:
            self.library.services.blobs.delete(self.library.containers.clips, clip.blob_name or "")
        self.database.run(
            "UPDATE clips SET created_at = now() - interval '1 hour',"
            " attempted_at = now() - interval '1 hour', content_md5 = 'x'",
            {},
        )
        self.refuse("clips", "id", clips[1].id)
        return str(clips[1].blob_name)

    def without_md5(self) -> str:
        clips = [self.library.landed(self.film) for _ in range(3)]
        self.database.run("UPDATE clips SET content_md5 = NULL", {})
        self.refuse("clips", "id", clips[1].id)
        return f"the checksum of {clips[1].blob_name}"


ITEMS = {
    "clips_expired": Three.expired,
    "clips_past_retention": Three.past_retention,
    "uploads_abandoned": Three.abandoned,
    "blobs_reconciled": Three.missing,
    "checksums_noted": Three.without_md5,
}


@pytest.mark.parametrize("step", ITEMS)
def test_item_that_always_raises_does_not_stop_others(
    library: Library, film: bytes, step: str, caplog: pytest.LogCaptureFixture
) -> None:
    item = ITEMS[step](Three(library, film))
    first = clean(library)
    assert first.counts[step] == 2
    assert first.counts["failures"] >= 1
    assert item in [failure.item for failure in first.failures if failure.step == step]
    assert f"An item failed and will be tried again: {item}" in caplog.text
    second = clean(library)
    assert second.counts[step] == 0
    assert item in [failure.item for failure in second.failures if failure.step == step]


def test_temporary_files_and_blobs_are_independent(
    library: Library, monkeypatch: pytest.MonkeyPatch, clock: SetClock
) -> None:
    past = (clock.now - timedelta(hours=1)).isoformat()
    for name in ("a", "b", "c"):
        library.upload(name, b"x", {"expires_at": past}, "temp")
    delete = type(library.services.blobs).delete

    def held(self: object, container: str, name: str) -> bool:
        if name == "b":
            raise BlobHeld("A policy keeps the blob b.")
        return delete(self, container, name)  # type: ignore[arg-type]  # a Blobs

    monkeypatch.setattr(type(library.services.blobs), "delete", held)
    run = clean(library)
    assert (run.counts["temp_blobs_deleted"], run.counts["held"]) == (2, 1)
    assert (
        StepFailure("temp_blobs_deleted", "b", "blob_held", "A policy keeps the blob b.")
        in run.failures
    )
    assert library.blobs("temp") == {"b"}


def test_temporary_file_that_cannot_be_deleted_is_counted(
    library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.temp_dir.mkdir(parents=True)
    old = datetime.now(UTC).timestamp() - 48 * 3600
    for name in ("a", "b", "c"):
        path = settings.temp_dir / name
        path.touch()
        os.utime(path, (old, old))
    unlink = Path.unlink

    def busy(self: Path) -> None:
        if self.name == "b":
            raise PermissionError("busy")
        unlink(self)

    monkeypatch.setattr(Path, "unlink", busy)
    run = clean(library)
    assert run.counts["temp_files_deleted"] == 2
    assert [failure.item for failure in run.failures] == ["file b"]


# --- Runs on record


def test_run_is_recorded_with_its_counts(library: Library) -> None:
    before = datetime.now(UTC)
    report = library.services.cleanup.run()
    run = last_run(library)
    assert run.finished_at is not None
    assert before - timedelta(seconds=5) < run.started_at <= run.finished_at
    assert run.counts == report | {"outages": 0, "held": 0, "unmarked": 0, "failures": 0}
    assert run.failures == []


def test_runs_come_newest_first_and_page_by_page(library: Library) -> None:
    for _ in range(3):
        library.services.cleanup.run()
    found = runs(library)
    assert len(found) == 3
    assert sorted(found, key=lambda run: run.started_at, reverse=True) == found
    key = (found[0].started_at, found[0].id)
    assert library.services.cleanup.runs(2, key) == found[1:]


def test_run_that_died_has_no_end(library: Library) -> None:
    class Died(BaseException):
        """The end of the process: no code of the app may catch it."""

    cleanup = library.services.cleanup
    steps = cleanup._steps

    def die() -> int:
        raise Died

    cleanup._steps = {"clips_expired": die}
    with pytest.raises(Died):
        cleanup.run()
    cleanup._steps = steps
    cleanup.run()
    assert [run.finished_at is None for run in runs(library)] == [False, True]


def test_run_that_skipped_its_work_is_not_recorded(library: Library) -> None:
    with library.services.cleanup._upkeep.alone():
        assert library.services.cleanup.run() == {}
    assert runs(library) == []


def test_run_is_recorded_though_its_beginning_could_not_be(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> int:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr("shared.catalogue.upkeep.run_queries.CleanupRuns.begin", away)
    run = clean(library)
    assert run.finished_at is not None
    assert run.counts["outages"] == 1


def test_run_goes_on_without_a_record(
    library: Library, postgres_server: postgres.Server, caplog: pytest.LogCaptureFixture
) -> None:
    """A read-only database accepts no record; steps without changes still run."""
    library.upload("past", b"x", {"expires_at": "2020-01-01T00:00:00"}, "temp")
    found = library.services.database.one("SELECT current_database() AS name", {})
    assert found is not None
    with psycopg.connect(postgres_server.database_url("postgres"), autocommit=True) as admin:
        change = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on")
        admin.execute(change.format(sql.Identifier(found["name"])))
    library.services.database.close()
    with pytest.raises(DatabaseUnavailable):
        library.services.cleanup.run()
    assert (
        "An outage interrupted an item, which will be tried again: the record of the run"
        in caplog.text
    )
    assert library.blobs("temp") == set()
    assert runs(library) == []


def test_failures_of_a_run_are_bounded_and_may_have_any_name(library: Library) -> None:
    cleanup = library.services.cleanup

    def refuse(_: str) -> int:
        raise BlobHeld("kept")

    names = [f"\0\ud800{n}" for n in range(50)]
    cleanup._steps = {"deletions_swept": lambda: each(names, refuse, str)}
    run = clean(library)
    assert run.counts["held"] == 50
    assert [failure.item for failure in run.failures] == [f"\\0\\ud800{n}" for n in range(20)]


def test_guard_against_loss_in_bulk_is_among_the_failures(
    library: Library, clock: SetClock
) -> None:
    for _ in range(21):
        library.announce()
    library.services.database.run(
        "UPDATE clips SET status = 'ready', etag = 'x', content_md5 = 'x',"
        " created_at = now() - interval '1 hour'",
        {},
    )
    clock.advance(minutes=5)
    run = clean(library)
    (failure,) = run.failures
    assert (failure.step, failure.item) == ("blobs_reconciled", "21 of 21 clips")
    assert failure.code == "loss_in_bulk"
    assert (run.counts["unmarked"], run.counts["failures"]) == (21, 0)


def test_old_runs_are_forgotten(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        library.services.cleanup.run()
    monkeypatch.setattr("shared.catalogue.upkeep.run_queries._MOST_RUNS", 3)
    library.services.cleanup.run()
    assert len(runs(library)) == 3
    library.services.database.run(
        "UPDATE cleanup_runs SET started_at = started_at - interval '31 days'", {}
    )
    library.services.cleanup.run()
    assert len(runs(library)) == 1
