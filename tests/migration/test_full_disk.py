"""Nothing is lost where the machine that moves clips in has no room left: the next run goes on."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TextIO

import pytest

from clips.migration import ledger
from clips.migration.progress import Display
from tests.migration.conftest import Command, before_moving, read
from tests.migration.disk import file_size_limit
from tests.migration.old_service import OldService
from tests.services import AllServices

DATA = b"some film" * 100


@pytest.fixture
def small_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger goes to the disk with a few hundred files, and not only with 10,000."""
    schema = ledger._SCHEMA.replace("cache_size = -8000", "cache_size = 10")
    assert schema != ledger._SCHEMA
    monkeypatch.setattr(ledger, "_SCHEMA", schema)


@pytest.fixture
def full_log() -> Iterator[TextIO]:
    log = os.fdopen(os.open("/dev/full", os.O_WRONLY), "w", buffering=1)
    yield log
    with suppress(OSError):
        log.close()


@pytest.mark.usefixtures("small_cache")
def test_without_room_for_a_plan_nothing_is_begun(
    old: OldService, run: Command, services: AllServices
) -> None:
    clips = [old.clip_with_file(DATA) for _ in range(300)]
    with file_size_limit(4096):
        failed = run()
    assert (failed.code, failed.receipt) == (3, b"")
    assert "The notes of the run cannot be kept" in failed.err
    assert "Run the same command again" in failed.err
    assert not any(services.blobs.pages(services.containers.clips))
    done = run()
    assert (done.code, done.summary["summary"]["verified"]) == (0, len(clips))


@pytest.mark.usefixtures("small_cache")
def test_a_disk_that_fills_up_on_the_way_ends_a_run_that_the_next_one_completes(
    old: OldService, run: Command, services: AllServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was verified by then is switched. No receipt is made of notes that nobody can trust."""
    clips = [old.clip() for _ in range(150)]
    for clip_id in clips:
        old.file(f"{'deep' * 50}/{clip_id}.mp4", DATA)
    with ExitStack() as full, monkeypatch.context() as once:
        before_moving(once, lambda: full.enter_context(file_size_limit(0)))
        failed = run("--batch-size", "5")
    assert (failed.code, failed.receipt) == (3, b"")
    assert "The notes of the run cannot be kept" in failed.err
    switched = old.rows("SELECT id FROM clips WHERE blob_name IS NOT NULL")
    assert 0 < len(switched) < len(clips)
    done = run()
    assert (done.code, done.summary["summary"]["verified"]) == (0, len(clips))
    assert done.sent <= (len(clips) - len(switched)) * len(DATA)
    for clip_id in clips:
        assert read(services, "clips", f"{old.video_id}/{clip_id}.mp4") == DATA


def full_receipt(folder: Path) -> Path:
    """What the receipt is written to at first has no room."""
    path = folder / "receipt.jsonl.new"
    path.symlink_to("/dev/full")
    return path


def test_a_receipt_that_cannot_be_written_spoils_nothing(
    old: OldService, run: Command, tmp_path: Path
) -> None:
    """Where that shows in the end only; nothing half is left, the next run makes up for it."""
    clip_id = old.clip_with_file(DATA)
    unfinished = full_receipt(tmp_path)
    failed = run()
    assert (failed.code, failed.receipt) == (1, b"")
    assert "The receipt cannot be written: No space left on device." in failed.err
    assert old.row(clip_id)["blob_name"] is not None
    assert not unfinished.is_symlink()
    done = run()
    assert (done.code, done.sent, done.summary["complete"]) == (0, 0, True)


def test_a_summary_that_cannot_be_written_is_no_traceback(
    old: OldService, run: Command, full_log: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receipt is there by then."""
    old.clip_with_file(DATA)
    monkeypatch.setattr("sys.stdout", full_log)
    failed = run()
    assert (failed.code, failed.summary["complete"]) == (1, True)
    assert "The summary cannot be written: No space left on device." in failed.err


def test_a_run_whose_log_has_no_room_tells_the_end_by_its_code(
    old: OldService, run: Command, full_log: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    old.clip_with_file(DATA)
    monkeypatch.setattr("sys.stderr", full_log)
    assert run().code == 0
    monkeypatch.delenv("DATABASE_URL")
    assert run().code == 2


def test_an_interrupted_run_is_an_interrupted_one_though_its_receipt_cannot_be_written(
    old: OldService,
    run: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Code 1 would say that all others were moved."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    old.clip_with_file(DATA)
    full_receipt(tmp_path)
    before_moving(monkeypatch, interrupt)
    assert run().code == 130
    assert "The receipt cannot be written" in caplog.text


def test_work_goes_on_where_a_log_has_no_room(full_log: TextIO) -> None:
    display = Display(2, 2000, full_log, terminal=False)
    with pytest.raises(OSError, match="No space left"):
        full_log.write("a line\n")
    display.moved(1000)
    display.finished({"verdict": "failed", "path": "a.mp4", "detail": "It is empty."})
    display.show()
    display.close()
