"""The command line of the rebuild, its progress and its report."""

import io
import json
from uuid import uuid4

import pytest

from clips.rebuild import command
from clips.rebuild.display import RebuildDisplay
from clips.rebuild.report import Report
from tests.settings import REQUIRED


def test_wrong_settings_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in REQUIRED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", "nonsense")
    assert command.main(["--dry-run"]) == command.USAGE
    assert "DATABASE_URL" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--owner", ""], ["--owner", "a\nb"], ["--report", "/no/such/folder/x"], ["more"]]
)
def test_wrong_usage_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == command.USAGE


def test_bar_follows_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = iter(range(100))
    out = io.StringIO()
    display = RebuildDisplay(
        out, terminal=True, clock=lambda: float(next(seconds)), columns=lambda: 70
    )
    display.begin("sidecars")
    display.advance("80000000-0000-0000-0000-000000000000/video.json", 500)
    display.advance("no uuid", 10)
    display.end()
    lines = out.getvalue().split("\r\x1b[2K")
    assert "[############............] sidecars: 500   50%" in lines[1]
    assert "sidecars: 510  100%" in lines[-1]
    assert all(len(line.rstrip()) < 70 for line in lines)
    assert capsys.readouterr().out == ""


def test_log_gets_a_line_now_and_then() -> None:
    seconds = iter(range(0, 1000, 6))
    out = io.StringIO()
    display = RebuildDisplay(out, terminal=False, clock=lambda: float(next(seconds)))
    display.begin("sidecars")
    for _ in range(4):
        display.advance("80", 1)
    display.end()
    assert 2 <= len(out.getvalue().splitlines()) <= 4
    assert "\x1b" not in out.getvalue()


def test_report_lists_what_was_left_out_and_what_is_lost() -> None:
    report = Report(dry_run=True)
    report.leave_out("a\x1b[2J/clip.json", "invalid", "It is no JSON.")
    video_id = uuid4()
    report.add_unknown(video_id)
    report.restored["clips"] = 12_345
    assert report.has_gaps
    text = report.to_text()
    assert "\x1b" not in text
    for part in ("12,345", "invalid: 1", str(video_id), "--owner", "shares", "nothing was changed"):
        assert part in text
    stated = json.loads(report.to_json())
    assert stated["left_out"]["items"][0]["code"] == "invalid"
    assert stated["unknown_videos"]["items"] == [{"video_id": str(video_id), "blobs": 1}]
    assert {"shares", "grants", "views"} <= stated["cannot_be_restored"].keys()
