"""What the command takes, shows and answers."""

import io
import re
from collections.abc import Mapping

import pytest

from clips import migrate
from clips.migration.progress import Display
from clips.migration.receipt import Verdict
from clips.transfer.faults import Code
from tests.docs.pages import coded, page
from tests.migration.conftest import Command
from tests.migration.old_service import OldService
from tests.servers import refusing

MANUAL = page("docs/migration.md")


def test_a_dry_run_tells_what_would_be_done_and_does_nothing(old: OldService, run: Command) -> None:
    clip_id, waiting = old.clip_with_file(b"film"), old.clip()
    old.file("stranger.mp4", b"film")
    done = run("--dry-run")
    assert (done.code, done.sent) == (0, 0)
    assert done.verdicts() == {
        f"{clip_id}.mp4": "planned",
        "stranger.mp4": "no_clip",
        str(waiting): "no_file",
    }
    assert done.deletable == []
    assert old.row(clip_id)["blob_name"] is None
    assert "planned: 1\n" in done.out


def test_the_receipt_may_lie_in_the_folder_itself(old: OldService, run: Command) -> None:
    old.clip_with_file(b"film")
    report = str(old.folder / "receipt.jsonl")
    run("--report", report)
    first = (old.folder / "receipt.jsonl").read_bytes()
    run("--report", report)
    assert (old.folder / "receipt.jsonl").read_bytes() == first
    assert b"unmatched" in first
    assert first.count(b"\n") == 2


def test_what_a_killed_run_left_of_its_receipt_is_ours_too(old: OldService, run: Command) -> None:
    old.clip_with_file(b"film")
    report = old.folder / "receipt.jsonl"
    for name in (".new", ".safe-to-delete.new"):
        report.with_name(f"{report.name}{name}").write_text("half")
    run("--report", str(report))
    lines = report.read_text().splitlines()
    assert len(lines) == 2
    assert '"unmatched": 0' in lines[-1]


def test_what_cannot_be_done_any_more_ends_with_code_3(
    old: OldService, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    old.clip_with_file(b"film")
    with refusing() as port:
        monkeypatch.setenv("DATABASE_URL", f"postgresql://cliplink@127.0.0.1:{port}/x")
        done = run()
    assert done.code == 3
    assert "The database cannot be reached. Run the same command again" in done.err


def test_missing_settings_are_all_named(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING")
    done = run()
    assert done.code == 2
    assert "DATABASE_URL is missing" in done.err
    assert "AZURE_STORAGE_CONNECTION_STRING is missing" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["/no/such/folder"],
        [".", "--concurrency", "0"],
        [".", "--concurrency", "65"],
        [".", "--batch-size", "ten"],
        [".", "--adopt", "no-id"],
        [".", "--allow-private"],
        [".", "--report", "/no/such/folder/receipt"],
        [".", "--report", "/proc"],
    ],
)
def test_wrong_usage_ends_with_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        migrate.main(arguments)
    assert caught.value.code == 2


# --- Progress


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


FAILED: Mapping[str, object] = {"verdict": "failed", "path": "a.mp4", "detail": "It is empty."}


def test_a_terminal_shows_a_bar_with_rate_and_time_left() -> None:
    out, clock = io.StringIO(), Hand()
    display = Display(4, 1_000_000_000, out, terminal=True, clock=clock, columns=lambda: 120)
    display.moved(250_000_000)
    display.finished({"verdict": "verified"})
    clock.now += 5
    display.tick()
    assert out.getvalue() == (
        "\r\x1b[2K[######..................] 1/4 files  250.0 MB/1.0 GB"
        "  50.0 MB/s  ETA 0:00:15  0 failed"
    )
    display.finished(FAILED)
    assert out.getvalue().endswith("\r\x1b[2Kfailed: a.mp4: It is empty.\n")
    display.close()
    assert out.getvalue().endswith("1 failed\n")


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (78, "[######..................] 1/4 files  250.0 MB/1.0 GB  0 B/s  ETA -  0 failed"),
        (66, "[###.........] 1/4 files  250.0 MB/1.0 GB  0 B/s  ETA -  0 failed"),
        (56, "1/4 files  250.0 MB/1.0 GB  0 B/s  ETA -  0 failed"),
        (20, "1/4 files  250.0 MB"),
    ],
)
def test_a_narrow_terminal_shows_as_much_as_fits_into_a_row(columns: int, shown: str) -> None:
    """More would run on into the next row, and stay there when the first is wiped."""
    out = io.StringIO()
    display = Display(4, 1_000_000_000, out, terminal=True, clock=Hand(), columns=lambda: columns)
    display.finished({"verdict": "verified"})
    display.moved(250_000_000)
    display.show()
    assert out.getvalue() == f"\r\x1b[2K{shown}"


def test_of_sizes_that_nobody_knows_the_bar_counts_files() -> None:
    """Those at old addresses have none before they are fetched."""
    out, clock = io.StringIO(), Hand()
    display = Display(4, 0, out, terminal=True, clock=clock, columns=lambda: 120)
    display.moved(250_000_000)
    display.finished({"verdict": "verified"})
    clock.now += 5
    display.tick()
    assert out.getvalue() == (
        "\r\x1b[2K[######..................] 1/4 files  250.0 MB  50.0 MB/s  ETA -  0 failed"
    )


def test_elsewhere_a_line_is_written_now_and_then() -> None:
    out, clock = io.StringIO(), Hand()
    display = Display(2, 2000, out, terminal=False, clock=clock)
    for _ in range(100):
        clock.now += 0.2
        display.tick()
    assert out.getvalue() == "0/2 files  0 B/2.0 KB  0 B/s  ETA -  0 failed\n" * 2
    assert "\x1b" not in out.getvalue()


def test_the_time_left_is_that_of_the_present_rate() -> None:
    out, clock = io.StringIO(), Hand()
    display = Display(1, 10_000_000, out, terminal=False, clock=clock)
    clock.now += 3600  # planned for an hour
    display.show()
    for _ in range(20):
        clock.now += 1
        display.moved(100_000)
        display.show()
    assert "100.0 KB/s  ETA 0:01:20" in out.getvalue().splitlines()[-1]


# --- The manual


def test_every_option_and_exit_code_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        migrate.main(["--help"])
    said = capsys.readouterr().out
    options = set(re.findall(r"--[a-z-]+", said)) - {"--help"}
    documented = MANUAL.section("2. The files").table("option").names()
    assert {name.split()[0] for name in documented} == options | {"DIR"}
    defaults = MANUAL.section("2. The files").table("option").column("default")
    for name, default in defaults.items():
        assert not default or f"(default {default})" in " ".join(said.split()), name
    codes = [row[0] for row in MANUAL.section("2. The files").table("exit code").rows]
    ours = (migrate.DONE, migrate.SOME_FAILED, migrate.USAGE)
    assert codes == [str(c) for c in (*ours, migrate.OUT_OF_REACH, migrate.INTERRUPTED)]


def test_every_verdict_and_code_is_documented() -> None:
    verdicts, codes = MANUAL.section("Verdicts").tables
    assert set(verdicts.names()) == set(Verdict)
    assert codes.column("detail") == {code.value: code.sentence for code in Code}
    assert all(set(coded(verdict)) <= set(Verdict) for verdict in codes.column("verdict").values())
