"""A full disk on the machine of the command loses nothing: the next run continues."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TextIO

import pytest

from clips.migration import ledger
from clips.migration.outcomes import UnmatchedFile
from clips.migration.progress import ProgressDisplay
from clips.transfer.faults import FileFault
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
def test_run_without_room_for_its_plan_uploads_nothing(
    old: OldService, run: Command, services: AllServices
) -> None:
    clips = [old.clip_with_file(DATA) for _ in range(300)]
    with file_size_limit(4096):
        failed = run()
    assert (failed.code, failed.receipt) == (3, b"")
    assert "The ledger of the run cannot be stored" in failed.err
    assert "Run the command again" in failed.err
    assert not any(services.blobs.pages(services.containers.clips))
    done = run()
    assert (done.code, done.summary["summary"]["verified"]) == (0, len(clips))


@pytest.mark.usefixtures("small_cache")
def test_run_whose_disk_fills_up_is_completed_by_the_next_one(
    old: OldService, run: Command, services: AllServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of verified files are updated. No receipt is made of incomplete notes."""
    clips = [old.clip() for _ in range(150)]
    for clip_id in clips:
        old.file(f"{'deep' * 50}/{clip_id}.mp4", DATA)
    with ExitStack() as full, monkeypatch.context() as once:
        before_moving(once, lambda: full.enter_context(file_size_limit(0)))
        failed = run("--batch-size", "5")
    assert (failed.code, failed.receipt) == (3, b"")
    assert "The ledger of the run cannot be stored" in failed.err
    switched = old.rows("SELECT id FROM clips WHERE blob_name IS NOT NULL")
    assert 0 < len(switched) < len(clips)
    done = run()
    assert (done.code, done.summary["summary"]["verified"]) == (0, len(clips))
    assert done.sent <= (len(clips) - len(switched)) * len(DATA)
    for clip_id in clips:
        assert read(services, "clips", f"{old.video_id}/{clip_id}.mp4") == DATA


def full_receipt(folder: Path) -> Path:
    """The temporary file of the receipt is on a full disk."""
    path = folder / "receipt.jsonl.new"
    path.symlink_to("/dev/full")
    return path


def test_unwritable_receipt_affects_no_clip(old: OldService, run: Command, tmp_path: Path) -> None:
    """Nothing unfinished is left, and the next run writes it."""
    clip_id = old.clip_with_file(DATA)
    unfinished = full_receipt(tmp_path)
    failed = run()
    assert (failed.code, failed.receipt) == (1, b"")
    assert "The receipt cannot be written: No space left on device." in failed.err
    assert old.row(clip_id)["blob_name"] is not None
    assert not unfinished.is_symlink()
    done = run()
    assert (done.code, done.sent, done.summary["complete"]) == (0, 0, True)


def test_unwritable_summary_gives_a_message(
    old: OldService, run: Command, full_log: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receipt is already written."""
    old.clip_with_file(DATA)
    monkeypatch.setattr("sys.stdout", full_log)
    failed = run()
    assert (failed.code, failed.summary["complete"]) == (1, True)
    assert "The summary cannot be written: No space left on device." in failed.err


def test_run_with_an_unwritable_log_has_the_right_exit_code(
    old: OldService, run: Command, full_log: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    old.clip_with_file(DATA)
    monkeypatch.setattr("sys.stderr", full_log)
    assert run().code == 0
    monkeypatch.delenv("DATABASE_URL")
    assert run().code == 2


def test_interrupted_run_with_an_unwritable_receipt_ends_with_code_130(
    old: OldService,
    run: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Code 1 would mean that all other files were moved."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    old.clip_with_file(DATA)
    full_receipt(tmp_path)
    before_moving(monkeypatch, interrupt)
    assert run().code == 130
    assert "The receipt cannot be written" in caplog.text


def test_display_ignores_an_unwritable_log(full_log: TextIO) -> None:
    display = ProgressDisplay(2, 2000, full_log, terminal=False)
    with pytest.raises(OSError, match="No space left"):
        full_log.write("a line\n")
    display.add_bytes(1000)
    display.add_outcome(
        UnmatchedFile(b"a.mp4", 0, FileFault.UNREADABLE, "The file cannot be read.")
    )
    display.show()
    display.close()
