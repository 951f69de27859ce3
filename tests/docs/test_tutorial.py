"""The tutorial and README's first example work: their blocks are run, the outputs compared."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, page
from tests.docs.shell import environment

README = page("README.md")
TUTORIAL = page("docs/tutorial.md")
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
    """The commands of each block and its output, which is empty unless shown."""
    found: list[tuple[Block, str]] = []
    for block in TUTORIAL.blocks:
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
    """Removes the files that the examples write, unless they existed before."""
    files = [ROOT / name for name in ("sample.mp4", "poster.jpg", "clip.json")]
    new = [file for file in files if not file.exists()]
    yield
    for file in new:
        file.unlink(missing_ok=True)


@pytest.mark.usefixtures("leftovers")
def test_tutorial_prints_the_outputs_that_it_shows(port: int, log: Path) -> None:
    outputs = outputs_of([block.text for block, _ in steps()], port)
    assert len(outputs) == len(steps())
    for (block, expected), output in zip(steps(), outputs, strict=True):
        assert plain(output) == plain(expected), f"{block.text}\n{log.read_text()}"


@pytest.mark.usefixtures("leftovers")
def test_first_example_of_the_readme_prints_a_link_that_plays(port: int) -> None:
    start, example = (block.text for block in README.section("Try it").blocks)
    assert [line.partition("#")[0].strip() for line in start.splitlines()] == [
        "make run",
        "make test",
    ]
    play = 'curl -sS -o /dev/null -w "%{http_code} %{content_type}" "$(cat link)"; rm link'
    shown, played = outputs_of([f"{{ {example} }} | tee link\n", play], port)
    assert shown.strip().splitlines()[-1].startswith("http")
    assert played.strip() == "200 video/mp4"


def outputs_of(commands: Sequence[str], port: int) -> list[str]:
    """The output of each block when all are pasted into one shell."""
    here = [command.replace("localhost:7071", f"localhost:{port}") for command in commands]
    script = f"echo\necho '{_MARK}'\n".join(["set -euo pipefail\n", *here])
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
    return run.stdout.split(_MARK)[1:]
