"""The commands of the API's page and of the local copy's work, pasted one after the other."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, page
from tests.docs.shell import environment

README = page("README.md")
_MARK = "==== the next block ===="
_FAULTS = ('"type":"urn:cliplink:problem', "<Error>", "Traceback", "command not found")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What looks like the project's folder, with a film in it."""
    for entry in ROOT.iterdir():
        if entry.name not in {"sample.mp4", "poster.jpg"}:
            (tmp_path / entry.name).symlink_to(entry)
    subprocess.run(["make", "sample"], cwd=tmp_path, env=environment(), check=True)
    return tmp_path


def shell_blocks(text: str) -> list[str]:
    return [block.text for block in page(text).blocks if block.language == "sh"]


def until_deletion() -> list[str]:
    """The walk-through, as far as the API's page asks for it."""
    blocks = [b.text for b in README.section("Walk-through").blocks if b.language == "sh"]
    return blocks[: next(i for i, block in enumerate(blocks) if "-X DELETE" in block)]


def outputs(folder: Path, port: int, blocks: Sequence[str]) -> list[str]:
    """What each block prints in one shell, errors included."""
    commands = [block.replace("localhost:7071", f"localhost:{port}") for block in blocks]
    run = subprocess.run(
        ["bash"],
        input=f"echo\necho '{_MARK}'\n".join(["set -euo pipefail\n", *commands]),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    return run.stdout.split(_MARK)[1:]


def test_the_examples_of_the_api_work_in_their_order(port: int, folder: Path) -> None:
    """But for those that delete what the others need: the page says to leave them to the end."""
    before, examples = until_deletion(), shell_blocks("docs/api.md")
    clip, video = (
        next(e for e in examples if e.rstrip().endswith(f'"$API/{path}"') and "-X DELETE" in e)
        for path in ("clips/$CLIP_ID", "videos/$VIDEO_ID")
    )
    pasted = [example for example in examples if example not in (clip, video)] + [clip, video]
    printed = outputs(folder, port, [*before, *pasted])[len(before) :]
    assert len(printed) == len(pasted)
    for command, output in zip(pasted, printed, strict=True):
        assert not any(fault in output for fault in _FAULTS), command + output
    shared = (folder / "clip.mp4").read_bytes()
    assert shared == (folder / "sample.mp4").read_bytes(), "what the share opened"


def test_the_local_copys_own_addresses_answer(port: int, folder: Path) -> None:
    commands = shell_blocks("docs/local.md")
    asked = [c for c in commands if "localhost:7071" in c and "<video_id>" not in c]
    assert len(asked) == 3
    status, counted, cleanup = outputs(folder, port, asked)
    assert '"Running"' in status
    assert '"clip_landed"' in status
    assert "cliplink_" in counted
    assert not cleanup.strip()
