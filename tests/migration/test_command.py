"""Arguments, output and exit codes of the command."""

import io
import re
from uuid import uuid4

import pytest

from clips.migration import cli
from clips.migration.outcomes import FailedFile, PlanItem, VerifiedFile
from clips.migration.progress import ProgressDisplay
from clips.migration.reasons import Reason
from clips.migration.receipt import LineKind
from clips.transfer.faults import FileFault
from clips.transfer.file_types import FileKind
from tests.docs.pages import coded, page
from tests.migration.conftest import Command
from tests.migration.old_service import OldService
from tests.servers import refusing

MANUAL = page("docs/migration.md")


def test_dry_run_lists_the_plan_and_changes_nothing(old: OldService, run: Command) -> None:
    clip_id, waiting = old.clip_with_file(b"film"), old.clip()
    old.file("unmatched.mp4", b"film")
    done = run("--dry-run")
    assert (done.code, done.sent) == (0, 0)
    assert done.verdicts() == {
        f"{clip_id}.mp4": "planned",
        "unmatched.mp4": "no_clip",
        str(waiting): "no_file",
    }
    assert done.deletable == []
    assert old.row(clip_id)["blob_name"] is None
    assert "planned: 1\n" in done.out


def test_clip_never_gets_the_file_of_a_shorter_name(old: OldService, run: Command) -> None:
    """A `#` or `?` in a key does not end it: neither in the plan nor in the receipt."""
    take, what = old.clip("s3://b/2025/take#1.mp4"), old.clip("s3://b/2025/what?.mp4")
    for name in ("take", "what"):
        old.file(f"2025/{name}", b"another file")
    done = run("--dry-run")
    assert done.verdicts() == {
        "2025/take": "no_clip",
        "2025/what": "no_clip",
        str(take): "no_file",
        str(what): "no_file",
    }
    assert {line["old_url"] for line in done.lines if line["verdict"] == "no_file"} == {
        "s3://b/2025/take#1.mp4",
        "s3://b/2025/what?.mp4",
    }
    old.file("2025/take#1.mp4", b"its own file")
    assert run("--dry-run").of("2025/take#1.mp4")["clip_id"] == str(take)


def test_receipt_may_be_in_the_folder_of_the_files(old: OldService, run: Command) -> None:
    old.clip_with_file(b"film")
    report = str(old.folder / "receipt.jsonl")
    run("--report", report)
    first = (old.folder / "receipt.jsonl").read_bytes()
    run("--report", report)
    assert (old.folder / "receipt.jsonl").read_bytes() == first
    assert b"unmatched" in first
    assert first.count(b"\n") == 2


def test_unfinished_receipts_of_killed_runs_are_not_migrated(old: OldService, run: Command) -> None:
    old.clip_with_file(b"film")
    report = old.folder / "receipt.jsonl"
    for name in (".new", ".safe-to-delete.new"):
        report.with_name(f"{report.name}{name}").write_text("half")
    run("--report", str(report))
    lines = report.read_text().splitlines()
    assert len(lines) == 2
    assert '"unmatched": 0' in lines[-1]


def test_unreachable_database_ends_with_code_3(
    old: OldService, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    old.clip_with_file(b"film")
    with refusing() as port:
        monkeypatch.setenv("DATABASE_URL", f"postgresql://cliplink@127.0.0.1:{port}/x")
        done = run()
    assert done.code == 3
    assert "The database cannot be reached. Run the command again" in done.err


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
        cli.main(arguments)
    assert caught.value.code == 2


# --- Progress


class Hand:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


ITEM = PlanItem(
    path=b"a.mp4",
    size=1,
    kind=FileKind.VIDEO,
    clip_id=uuid4(),
    video_id=uuid4(),
    blob_name="a.mp4",
    content_type="video/mp4",
)
FAILED = FailedFile(item=ITEM, path=ITEM.path, code="empty_file", detail="The file is empty.")
VERIFIED = VerifiedFile(item=ITEM, size=1, sha256="", md5="", etag="", was_stored=False)


def test_terminal_shows_a_bar_with_rate_and_time_left() -> None:
    out, clock = io.StringIO(), Hand()
    display = ProgressDisplay(
        4, 1_000_000_000, out, terminal=True, clock=clock, columns=lambda: 120
    )
    display.add_bytes(250_000_000)
    display.add_outcome(VERIFIED)
    clock.now += 5
    display.tick()
    assert out.getvalue() == (
        "\r\x1b[2K[######..................] 1/4 files  250.0 MB/1.0 GB"
        "  50.0 MB/s  ETA 0:00:15  0 failed"
    )
    display.add_outcome(FAILED)
    assert out.getvalue().endswith("\r\x1b[2Kfailed: a.mp4: The file is empty.\n")
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
def test_narrow_terminal_shows_what_fits_into_one_row(columns: int, shown: str) -> None:
    """Text that wraps into a second row could not be erased."""
    out = io.StringIO()
    display = ProgressDisplay(
        4, 1_000_000_000, out, terminal=True, clock=Hand(), columns=lambda: columns
    )
    display.add_outcome(VERIFIED)
    display.add_bytes(250_000_000)
    display.show()
    assert out.getvalue() == f"\r\x1b[2K{shown}"


def test_bar_counts_files_if_their_sizes_are_unknown() -> None:
    """Those of old addresses are unknown before they are fetched."""
    out, clock = io.StringIO(), Hand()
    display = ProgressDisplay(4, 0, out, terminal=True, clock=clock, columns=lambda: 120)
    display.add_bytes(250_000_000)
    display.add_outcome(VERIFIED)
    clock.now += 5
    display.tick()
    assert out.getvalue() == (
        "\r\x1b[2K[######..................] 1/4 files  250.0 MB  50.0 MB/s  ETA -  0 failed"
    )


def test_progress_without_a_terminal_is_a_line_every_ten_seconds() -> None:
    out, clock = io.StringIO(), Hand()
    display = ProgressDisplay(2, 2000, out, terminal=False, clock=clock)
    for _ in range(100):
        clock.now += 0.2
        display.tick()
    assert out.getvalue() == "0/2 files  0 B/2.0 KB  0 B/s  ETA -  0 failed\n" * 2
    assert "\x1b" not in out.getvalue()


def test_time_left_is_based_on_the_recent_rate() -> None:
    out, clock = io.StringIO(), Hand()
    display = ProgressDisplay(1, 10_000_000, out, terminal=False, clock=clock)
    clock.now += 3600  # planned for an hour
    display.show()
    for _ in range(20):
        clock.now += 1
        display.add_bytes(100_000)
        display.show()
    assert "100.0 KB/s  ETA 0:01:20" in out.getvalue().splitlines()[-1]


# --- The manual


def test_every_option_and_exit_code_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    said = capsys.readouterr().out
    options = set(re.findall(r"--[a-z-]+", said)) - {"--help"}
    documented = MANUAL.section("2. Files").table("option").names()
    assert {name.split()[0] for name in documented} == options | {"DIR"}
    defaults = MANUAL.section("2. Files").table("option").column("default")
    for name, default in defaults.items():
        assert not default or f"(default {default})" in " ".join(said.split()), name
    codes = [row[0] for row in MANUAL.section("2. Files").table("exit code").rows]
    actual = (cli.DONE, cli.SOME_FAILED, cli.USAGE, cli.OUT_OF_REACH, cli.INTERRUPTED)
    assert codes == [str(code) for code in actual]


def test_every_verdict_and_code_is_documented() -> None:
    verdicts, codes = MANUAL.section("Verdicts").tables
    assert set(verdicts.names()) == set(LineKind)
    assert codes.column("detail") == {code.value: code.sentence for code in (*Reason, *FileFault)}
    assert all(set(coded(verdict)) <= set(LineKind) for verdict in codes.column("verdict").values())
