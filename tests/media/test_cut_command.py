"""`python -m clips.cut` cuts local files by the code of the service."""

import subprocess
import sys
from pathlib import Path

import av
import pytest

from tests.media.clips import make
from tests.media.counted import counted, shown


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "clips.cut", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "accuracy", "method", "first"),
    [
        ("film.mp4", "keyframe", "storage_copy", 50),
        ("film.mkv", "edit_list", "packets", 62),
        ("film.mov", "frame", "encode", 62),
    ],
)
def test_command_cuts_a_local_file(
    tmp_path: Path, name: str, accuracy: str, method: str, first: int
) -> None:
    source = make(tmp_path / name, counted(seconds=4.0))
    done = run(source, 2.5, 3.5, "--accuracy", accuracy)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"by {method}\n")
    output = tmp_path / f"{source.stem}-cut.mp4"
    assert shown(output).numbers[0] == first
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, output.name])


def test_command_says_what_is_wrong(tmp_path: Path) -> None:
    text = tmp_path / "film.mp4"
    text.write_text("no film at all")
    assert run(text, 1, 2).returncode == 1
    assert run(tmp_path / "absent.mp4", 1, 2).returncode == 1
    assert run(text, 2, 1).returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_command_takes_an_output_and_an_encoder(tmp_path: Path) -> None:
    source = make(tmp_path / "film.ts", counted(seconds=2.0, sounds=()))
    output = tmp_path / "goal.mp4"
    output.write_bytes(b"an older clip")
    done = run(
        source, 0.52, 1, "--accuracy", "frame", "--encoder", "libvpx-vp9", "--output", output
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{output}: 0.520 s to 1.000 s, by encode\n"
    assert shown(output).numbers == list(range(13, 25))
    with av.open(str(output)) as film:
        assert film.streams.video[0].codec_context.codec.canonical_name == "vp9"


def test_command_leaves_an_existing_output_where_nothing_is_shown(tmp_path: Path) -> None:
    source = make(tmp_path / "film.mkv", counted(seconds=2.0))
    output = tmp_path / "goal.mp4"
    output.write_bytes(b"an older clip")
    for accuracy in ("keyframe", "frame"):
        done = run(source, 60, 70, "--accuracy", accuracy, "--output", output)
        assert (done.returncode, done.stdout) == (1, "")
        assert "Traceback" not in done.stderr
    assert output.read_bytes() == b"an older clip"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mkv", "goal.mp4"]
