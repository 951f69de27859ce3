"""Runs of drift reports continue after a kill at any point, without a lost or repeated line."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from clips.drift import cli
from clips.drift.jobs import DriftJobs
from shared.catalogue.drift.drift_image_queries import DriftImages
from shared.catalogue.drift.drift_queries import DriftRows
from shared.catalogue.drift.drift_run_queries import DriftRuns
from shared.errors import NeedsForce, StorageUnavailable, WrongState
from shared.model.drift import DriftKind, DriftStatus
from shared.settings.schedules import next_moment
from shared.storage.sdk.append_blob import AppendBlobs
from tests.conftest import SetClock
from tests.integration.drifting import Drift, copy_rows
from tests.integration.library import Library

QUIET = timedelta(minutes=2)
LINES = 6


class Killed(BaseException):
    """Ends a worker as a kill does: no error handler of the app catches it."""


@pytest.fixture
def drift(library: Library) -> Drift:
    return Drift(library)


@pytest.fixture
def drifting(
    drift: Drift,
    library: Library,
    film: bytes,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> Drift:
    """Three clips that lost their blob and three blobs without a row, two at a time."""
    clip = library.landed(film)
    copy_rows(library, clip.id, 3)
    for _ in range(3):
        library.upload(f"{uuid4()}/stray.mp4", b"x")
    clock.advance(seconds=QUIET.total_seconds())
    monkeypatch.setattr("shared.storage.listing.PAGE", 2)
    monkeypatch.setattr(DriftRows, "at_a_time", 2)
    monkeypatch.setattr(DriftImages, "at_a_time", 2)
    return drift


def dying[**P, T](work: Callable[P, T], call: int, *, done: bool) -> Callable[P, T]:
    """The same worker, killed before or after the work of one call."""
    calls = 0

    def dies(*arguments: P.args, **named: P.kwargs) -> T:
        nonlocal calls
        calls += 1
        if calls == call and not done:
            raise Killed
        result = work(*arguments, **named)
        if calls == call:
            raise Killed
        return result

    return dies


def end_leases(library: Library) -> None:
    """Ends the leases of dead workers, and the minute of the first message."""
    library.services.database.run(
        """UPDATE drift_runs SET leased_until = now() - interval '1 second',
                  created_at = created_at - interval '2 minutes'""",
        {},
    )


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize(
    ("part", "name", "call"),
    [
        (DriftRuns, "save", 1),
        (DriftRuns, "save", 3),
        (DriftRuns, "save", 6),
        (AppendBlobs, "append", 1),
        (AppendBlobs, "append", 2),
        (DriftRuns, "end", 1),
    ],
)
def test_killed_report_goes_on_without_losing_or_repeating_a_line(
    drifting: Drift,
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    part: type,
    name: str,
    call: int,
    done: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(part, name, dying(getattr(part, name), call, done=done))
        started = library.services.drift.start()
        with pytest.raises(Killed):
            drifting.work(started.run.report.id)
    drift_id = started.run.report.id
    if not (name == "end" and done):
        assert list(library.services.drift.work(str(drift_id))) == [], "another worker has it"
    end_leases(library)
    drifting.work(drift_id)
    report = library.services.drift.get(drift_id).run.report
    lines = drifting.lines(drift_id)
    assert report.status is DriftStatus.DONE
    assert len(lines) == len({(line["kind"], line["blob"]) for line in lines}) == LINES
    assert report.counts == {
        DriftKind.BLOB_OF_UNKNOWN_VIDEO: 3,
        DriftKind.ROW_WITHOUT_BLOB: 3,
    }


def test_two_workers_on_one_run_write_each_line_once(
    drifting: Drift, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first worker is slow: its lease ends, and the second overtakes it."""
    append = AppendBlobs.append
    calls = 0

    def slow(*arguments: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            end_leases(library)
            drifting.work(drift_id)
        append(*arguments)  # type: ignore[arg-type]  # handed on as they came

    drift_id = library.services.drift.start().run.report.id
    monkeypatch.setattr(AppendBlobs, "append", slow)
    drifting.work(drift_id)
    assert library.services.drift.get(drift_id).run.report.status is DriftStatus.DONE
    assert len(drifting.lines(drift_id)) == LINES


def test_second_start_returns_the_running_report(drift: Drift) -> None:
    started = drift.services.drift.start()
    assert started.run.report.status is DriftStatus.QUEUED
    assert started.run.lines is None
    assert drift.services.drift.start().run.report.id == started.run.report.id
    drift.work(started.run.report.id)
    assert drift.services.drift.start().run.report.id != started.run.report.id


def test_cleanup_sends_lost_messages_again_and_forgets_old_reports(drift: Drift) -> None:
    drift.services.drift.start()
    assert drift.services.drift.resume() == 0, "its message may still come"
    end_leases(drift.library)
    assert drift.services.cleanup.run()["drift_resumed"] == 1
    drift.services.database.run("UPDATE drift_runs SET created_at = now() - interval '31 days'", {})
    assert drift.services.drift.resume() == 0


def test_run_without_progress_is_given_up(drift: Drift, monkeypatch: pytest.MonkeyPatch) -> None:
    drift_id = drift.services.drift.start().run.report.id
    with monkeypatch.context() as patched:
        patched.setattr(AppendBlobs, "create", dying(AppendBlobs.create, 1, done=False))
        for _ in range(5):
            patched.setattr(AppendBlobs, "create", dying(AppendBlobs.create, 1, done=False))
            with pytest.raises(Killed):
                drift.work(drift_id)
            end_leases(drift.library)
    drift.work(drift_id)
    assert drift.services.drift.get(drift_id).run.report.status is DriftStatus.FAILED


def test_outage_is_no_attempt(drift: Drift, monkeypatch: pytest.MonkeyPatch) -> None:
    drift_id = drift.services.drift.start().run.report.id

    def away(*_: object) -> None:
        raise StorageUnavailable("Away.")

    with monkeypatch.context() as patched:
        patched.setattr(AppendBlobs, "create", away)
        for _ in range(10):
            with pytest.raises(StorageUnavailable):
                drift.work(drift_id)
    drift.work(drift_id)
    assert drift.services.drift.get(drift_id).run.report.status is DriftStatus.DONE


def test_repair_of_much_needs_force(drifting: Drift, library: Library) -> None:
    report = drifting.report()
    start: Callable[..., object] = library.services.drift.start_repair
    with pytest.raises(NeedsForce):
        start(report.id, [DriftKind.ROW_WITHOUT_BLOB], force=False)
    start(report.id, [DriftKind.SIZE_DIFFERS], force=False)
    with pytest.raises(WrongState, match="already running"):
        start(report.id, [DriftKind.ROW_WITHOUT_BLOB], force=True)


def test_report_under_way_cannot_be_repaired(drift: Drift) -> None:
    drift_id = drift.services.drift.start().run.report.id
    with pytest.raises(WrongState):
        drift.services.drift.start_repair(drift_id, [DriftKind.SIZE_DIFFERS], force=False)


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize(("part", "name"), [(DriftRuns, "save"), (AppendBlobs, "append")])
def test_killed_repair_goes_on(
    drifting: Drift,
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    part: type,
    name: str,
    done: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    monkeypatch.setattr("clips.drift.repair._MOST_REPAIRS", 2)
    report = drifting.report()
    drift = library.services.drift
    shown = drift.start_repair(report.id, list(DriftKind), force=True).repair
    assert shown is not None
    with monkeypatch.context() as patched:
        patched.setattr(part, name, dying(getattr(part, name), 2, done=done))
        with pytest.raises(Killed):
            drifting.work(shown.report.id)
    end_leases(library)
    drifting.work(shown.report.id)
    counts = drifting.last_repair(report.id).counts
    assert sum(counts.values()) == LINES
    assert counts["left"] == 3
    assert drifting.counts() == {DriftKind.BLOB_OF_UNKNOWN_VIDEO: 3}


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("0 */5 * * * *", "2026-11-27T00:04:59.5", "2026-11-27T00:05:00"),
        ("0 */5 * * * *", "2026-11-27T00:05:00", "2026-11-27T00:10:00"),
        ("30 0 2 * * sun", "2026-11-27T00:00:00", "2026-11-29T02:00:30"),
        ("0 0 0 29 2 *", "2026-11-27T00:00:00", "2028-02-29T00:00:00"),
        ("0 0 23 31 12 *", "2026-12-31T23:00:00", "2027-12-31T23:00:00"),
    ],
)
def test_next_moment_matches_the_schedule(schedule: str, after: str, expected: str) -> None:
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert next_moment(schedule, moment) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_command_reports_and_repairs(
    drifting: Drift,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Its clock is the real one, so nothing is old enough for the report."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cli.main([]) == cli.NO_DRIFT
    lines = tmp_path_factory.mktemp("drift") / "lines.jsonl"
    monkeypatch.setattr("clips.upkeep.blob_rules.QUIET", timedelta(0))
    monkeypatch.setattr("clips.drift.comparison_times.QUIET", timedelta(0))
    assert cli.main(["--lines", str(lines), "--repair", "all", "--force"]) == cli.DRIFT
    assert len(lines.read_text().splitlines()) == LINES
    output = capsys.readouterr().out
    assert f"{LINES:>9}  lines in all" in output
    assert "        3  repaired" in output
    assert drifting.services.drift.__class__ is DriftJobs


def test_command_refuses_unknown_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["--repair", "everything"])
    assert "row_without_blob" in capsys.readouterr().err
