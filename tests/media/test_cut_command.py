"""`python -m clips.cut` cuts local files by the code of the service."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import pytest

from clips.cutting.local_command import main
from tests.media.clips import make
from tests.media.counted import counted, shown


@dataclass(frozen=True, slots=True)
class Done:
    """How the command ended."""

    returncode: int
    stdout: str
    stderr: str


type Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> Done:
        code = main([str(argument) for argument in arguments])
        return Done(code, *capsys.readouterr())

    return run


def test_command_is_a_program(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "clips.cut", str(tmp_path / "absent.mp4"), "1", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "absent.mp4" in done.stderr


@pytest.mark.parametrize(
    ("name", "accuracy", "method", "first"),
    [
        ("film.mp4", "keyframe", "storage_copy", 50),
        ("film.mkv", "edit_list", "packets", 62),
        ("film.mov", "frame", "encode", 62),
    ],
)
def test_command_cuts_a_local_file(
    run: Run, tmp_path: Path, name: str, accuracy: str, method: str, first: int
) -> None:
    source = make(tmp_path / name, counted(seconds=3.0))
    done = run(source, 2.5, 3, "--accuracy", accuracy)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"by {method}\n")
    output = tmp_path / f"{source.stem}-cut.mp4"
    assert shown(output).numbers[0] == first
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, output.name])


def test_command_says_what_is_wrong(run: Run, tmp_path: Path) -> None:
    text = tmp_path / "film.mp4"
    text.write_text("no film at all")
    assert run(text, 1, 2).returncode == 1
    assert run(tmp_path / "absent.mp4", 1, 2).returncode == 1
    assert run(text, 2, 1).returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_command_takes_an_output_and_an_encoder(run: Run, tmp_path: Path) -> None:
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


def test_command_leaves_an_existing_output_where_nothing_is_shown(run: Run, tmp_path: Path) -> None:
    source = make(tmp_path / "film.mkv", counted(seconds=2.0))
    output = tmp_path / "goal.mp4"
    output.write_bytes(b"an older clip")
    for accuracy in ("keyframe", "frame"):
        done = run(source, 60, 70, "--accuracy", accuracy, "--output", output)
        assert (done.returncode, done.stdout) == (1, "")
        assert "Traceback" not in done.stderr
    assert output.read_bytes() == b"an older clip"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mkv", "goal.mp4"]


def test_command_cuts_again_what_lacks_its_picture(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make(tmp_path / "film.mp4", counted(seconds=3.0))
    monkeypatch.setattr("clips.cutting.local_command._by_index", lambda *_: _write_sound(tmp_path))
    done = run(source, 2.5, 3)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("by packets\n")
    assert shown(tmp_path / "film-cut.mp4").numbers[-1] == 74
    assert len(list(tmp_path.iterdir())) == 2


def test_command_fails_where_no_method_gives_the_picture(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make(tmp_path / "film.mp4", counted(seconds=2.0))
    monkeypatch.setattr("clips.cutting.local_command._cut_by", lambda *_: _write_sound(tmp_path))
    done = run(source, 0.5, 1.5)
    assert done.returncode == 1
    assert done.stderr
    assert not (tmp_path / "film-cut.mp4").exists()


def _write_sound(folder: Path) -> tuple[float, float]:
    sound = make(folder / "sound.mp4", counted(codec=None, seconds=1.0))
    sound.rename(folder / "film-cut.mp4.part")
    return 0.5, 1.5


def test_command_cuts_a_film_of_sound_alone(run: Run, tmp_path: Path) -> None:
    source = make(tmp_path / "sound.m4a", counted(codec=None, seconds=2.0))
    assert run(source, 0.5, 1.5).returncode == 0
