"""The commands of the API guide and of the page about the local host work, pasted in order."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from local import stack
from tests.docs.pages import ROOT, page
from tests.docs.shell import environment

_MARK = "==== the next block ===="
_FAULTS = ('"type":"urn:cliplink:problem', "<Error>", "Traceback", "command not found")


# A reader waits for a moment until the trigger has started. On a slow machine the test waits until
# the row has the stored version, however long that takes.
_A_MOMENT = "sleep 2\n"
_UNTIL_CLAIMED = """\
row() {{ python -c 'import psycopg, sys
with psycopg.connect("postgresql://cliplink@127.0.0.1:{postgres}/cliplink") as connection:
    print(*connection.execute("SELECT etag FROM clips WHERE id = %s", sys.argv[1:]).fetchone())' \
  "$CLIP_ID"; }}
blob() {{ curl -sS -H "$AUTH" "$API/clips/$CLIP_ID/metadata" |
  python -c 'import json, sys; print(json.load(sys.stdin)["azure_metadata"]["etag"])'; }}
until [ "$(row)" = "$(blob)" ]; do sleep 0.2; done
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder like that of the project, with a film in it."""
    for entry in ROOT.iterdir():
        if entry.name not in {"sample.mp4", "poster.jpg"}:
            (tmp_path / entry.name).symlink_to(entry)
    subprocess.run(["make", "sample"], cwd=tmp_path, env=environment(), check=True)
    return tmp_path


def shell_blocks(text: str) -> list[str]:
    return [block.text for block in page(text).blocks if block.language == "sh"]


def until_deletion() -> list[str]:
    """The tutorial up to the step that deletes the clip, as the API guide asks."""
    blocks = shell_blocks("docs/tutorial.md")
    return blocks[: next(i for i, block in enumerate(blocks) if "-X DELETE" in block)]


def outputs(folder: Path, port: int, blocks: Sequence[str]) -> list[str]:
    """The output of each block in one shell, with errors."""
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


def until_claimed(port: int) -> str:
    ports = json.loads((stack.data_folder(port) / "ports.json").read_text())
    return _UNTIL_CLAIMED.format(postgres=ports["postgres"])


def test_examples_of_the_api_guide_work_in_their_order(port: int, folder: Path) -> None:
    before, examples = until_deletion(), shell_blocks("docs/api.md")
    patient = [command.replace(_A_MOMENT, until_claimed(port)) for command in examples]
    assert patient != examples
    printed = outputs(folder, port, [*before, *patient])[len(before) :]
    assert len(printed) == len(examples)
    for command, output in zip(examples, printed, strict=True):
        assert not any(fault in output for fault in _FAULTS), command + output
    shared = (folder / "clip.mp4").read_bytes()
    assert shared == (folder / "sample.mp4").read_bytes(), "what the share opened"


def test_addresses_of_the_local_host_answer(port: int, folder: Path) -> None:
    commands = shell_blocks("docs/local.md")
    asked = [c for c in commands if "localhost:7071" in c and "<video_id>" not in c]
    assert len(asked) == 3
    status, counted, cleanup = outputs(folder, port, asked)
    assert '"Running"' in status
    assert '"clip_landed"' in status
    assert "cliplink_" in counted
    assert not cleanup.strip()
