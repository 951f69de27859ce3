"""README's walk-through works: its blocks are run as they stand, its outputs are compared."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.docs.pages import ROOT, Block, page
from tests.docs.shell import environment

README = page("README.md")
_MARK = "==== the next block ===="

# What differs from run to run and from machine to machine.
_VARYING = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\?st=[^\"\s]*"), "?<signed>"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "<time>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<storage>"),
    (re.compile(r"0x[0-9A-F]{12,}"), "<etag>"),
    (re.compile(r"[A-Za-z0-9+/]{22}=="), "<md5>"),
    (re.compile(r"\b\d{5,6}\b"), "<size>"),  # the encoder differs a little between processors
)


def steps() -> list[tuple[Block, str]]:
    """The commands of each block and what it prints, which is nothing unless shown."""
    found: list[tuple[Block, str]] = []
    for block in README.section("Walk-through").blocks:
        if block.language == "sh":
            found.append((block, ""))
        else:
            found[-1] = (found[-1][0], block.text)
    return found


def plain(output: str) -> list[str]:
    for pattern, name in _VARYING:
        output = pattern.sub(name, output)
    return [line.rstrip() for line in output.strip().splitlines()]


@pytest.fixture
def leftovers() -> Iterator[None]:
    """Removes the files that the walk-through writes, unless they were there before."""
    files = [ROOT / "sample.mp4", ROOT / "poster.jpg"]
    new = [file for file in files if not file.exists()]
    yield
    for file in new:
        file.unlink(missing_ok=True)


@pytest.mark.usefixtures("leftovers")
def test_the_walkthrough_prints_what_it_says(port: int) -> None:
    commands = [block.text.replace("localhost:7071", f"localhost:{port}") for block, _ in steps()]
    script = f"echo\necho '{_MARK}'\n".join(["set -euo pipefail\n", *commands])
    run = subprocess.run(
        ["bash"],
        input=script,
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert run.returncode == 0, run.stderr + run.stdout
    outputs = run.stdout.split(_MARK)[1:]
    assert len(outputs) == len(steps())
    for (block, expected), output in zip(steps(), outputs, strict=True):
        assert plain(output) == plain(expected), block.text


def test_the_walkthrough_shows_the_whole_life_of_a_clip() -> None:
    """So that nobody shortens it unawares."""
    shown = "".join(output for _, output in steps())
    for word in ('"awaiting_upload"', "201", "ready", "image/jpeg", "206", '"azure_metadata"'):
        assert word in shown
    assert '{"message":"Clip deleted successfully"}' in shown
    assert "clips []\nthumbnails []\n" in shown


def test_the_two_commands_stand_alone_in_their_blocks() -> None:
    blocks = README.section("Two commands").blocks
    assert [(block.language, block.text) for block in blocks] == [
        ("sh", "make run\n"),
        ("sh", "make test\n"),
    ]
