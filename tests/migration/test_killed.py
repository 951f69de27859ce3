"""The command as a process: killed, interrupted, several at once, its memory."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import pytest

from local import azurite
from tests.migration.conftest import Ran, ran, read
from tests.migration.flaky import Fault, Line, line_to
from tests.migration.old_service import OldService
from tests.services import AllServices

ROOT = Path(__file__).parents[2]
KILLS = 6
MOST_MEGABYTES = 130
MOVE_AND_TELL_THE_PEAK = """
import sys
from bench.memory import peak_megabytes
from clips.migration import cli
cli.main(sys.argv[1:])
print(peak_megabytes())
"""


def start(
    old: OldService, environment: Mapping[str, str], report: Path, *arguments: str
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "clips.migrate",
            str(old.folder),
            "--report",
            str(report),
            *arguments,
        ],
        cwd=ROOT,
        env=dict(environment) | {"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_interrupts,  # noqa: PLW1509 - it only makes a system call
    )


def _heed_interrupts() -> None:
    """If a shell runs the tests in the background, their child processes ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(process: "subprocess.Popen[str]", report: Path) -> Ran:
    out, err = process.communicate(timeout=300)
    return ran(process.returncode, out, err, report)


def through(line: Line, environment: Mapping[str, str], account: azurite.Account) -> dict[str, str]:
    name = "AZURE_STORAGE_CONNECTION_STRING"
    return dict(environment) | {
        name: environment[name].replace(f":{account.blob_port}/", f":{line.port}/")
    }


def assert_there_once(old: OldService, services: AllServices, clips: Mapping[UUID, bytes]) -> None:
    for clip_id, data in clips.items():
        name = f"{old.video_id}/{clip_id}.mp4"
        assert old.row(clip_id)["blob_name"] == name
        assert read(services, "clips", name) == data
    assert len(old.rows("SELECT id FROM clips")) == len(clips)
    stored = [b.name for page in services.blobs.pages(services.containers.clips) for b in page]
    assert len(stored) == len(clips)


def test_run_killed_many_times_stores_every_clip_once(
    old: OldService,
    services: AllServices,
    command_environment: Mapping[str, str],
    azurite_account: azurite.Account,
    tmp_path: Path,
) -> None:
    """With the trigger processing blobs meanwhile."""
    chance = random.Random(20)
    contents = [os.urandom(chance.randrange(1, 60_000)) for _ in range(50)]
    contents.append(os.urandom(9 * 1024 * 1024))
    clips = {old.clip_with_file(data): data for data in contents}
    report = tmp_path / "receipt.jsonl"
    with line_to(azurite_account.blob_port) as line:
        line.latency = 0.03
        slow = through(line, command_environment, azurite_account)
        for _ in range(KILLS):
            sent_before = len(line.requests)
            process = start(old, slow, report, "--concurrency", "2")
            while len(line.requests) == sent_before and process.poll() is None:
                time.sleep(0.01)  # until it has sent its first request
            time.sleep(chance.uniform(0, 0.25))
            process.kill()
            process.communicate()
            landed = [
                b.name for page in services.blobs.pages(services.containers.clips) for b in page
            ]
            services.ingest.landed(chance.choice(landed or [f"{old.video_id}/none.mp4"]))
        line.latency = 0
        final = finish(start(old, slow, report), report)
    assert (final.code, final.summary["summary"]["verified"]) == (0, len(clips)), final.err
    assert_there_once(old, services, clips)
    again = finish(start(old, command_environment, report), report)
    assert (again.sent, again.receipt) == (0, final.receipt)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_says_how_to_continue(
    old: OldService,
    services: AllServices,
    command_environment: Mapping[str, str],
    azurite_account: azurite.Account,
    tmp_path: Path,
    how: signal.Signals,
) -> None:
    """The rows of verified files are updated, and the receipt lists them."""
    clips = {old.clip_with_file(data): data for data in (os.urandom(9000) for _ in range(30))}
    report = tmp_path / "receipt.jsonl"
    with line_to(azurite_account.blob_port) as line:
        # From the tenth on requests hang, which must not delay the end.
        over = threading.Event()
        line.choose = lambda number, *_: None if number < 10 or over.wait(60) else Fault.CUT
        slow = through(line, command_environment, azurite_account)
        process = start(old, slow, report, "--concurrency", "2")
        while len(line.requests) < 12 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(how)
        stopped = finish(process, report)
        over.set()
    assert stopped.code == 130
    assert "Run it again" in stopped.err
    assert "Traceback" not in stopped.err
    assert stopped.summary["complete"] is False
    verified = {line["clip_id"] for line in stopped.lines if line["verdict"] == "verified"}
    assert 0 < len(verified) < 30
    switched = old.rows("SELECT id FROM clips WHERE blob_name IS NOT NULL")
    assert verified <= {str(row["id"]) for row in switched}
    final = finish(start(old, command_environment, report), report)
    assert (final.code, final.summary["complete"]) == (0, True)
    assert_there_once(old, services, clips)


def test_simultaneous_runs_give_the_same_result(
    old: OldService,
    services: AllServices,
    command_environment: Mapping[str, str],
    tmp_path: Path,
) -> None:
    clips = {old.clip_with_file(os.urandom(30_000)): b"" for _ in range(25)}
    clips = {c: (old.folder / f"{c}.mp4").read_bytes() for c in clips}
    reports = [tmp_path / f"{number}.jsonl" for number in range(3)]
    runs = [start(old, command_environment, report, "--batch-size", "7") for report in reports]
    done = [finish(process, report) for process, report in zip(runs, reports, strict=True)]
    assert [run.code for run in done] == [0, 0, 0], [run.err for run in done]
    assert len({run.receipt for run in done}) == 1
    assert_there_once(old, services, clips)


def test_memory_is_flat_for_any_size_and_number_of_files(
    old: OldService, command_environment: Mapping[str, str]
) -> None:
    """All files together, and one alone, are several times as large."""
    for size in [4_000_000] * 30 + [200_000_000]:
        os.truncate(old.folder / f"{old.clip_with_file(b'film')}.mp4", size)
    done = subprocess.run(
        [sys.executable, "-c", MOVE_AND_TELL_THE_PEAK, str(old.folder)],
        cwd=ROOT,
        env=dict(command_environment) | {"PATH": os.environ["PATH"]},
        check=True,
        capture_output=True,
        text=True,
    )
    assert "verified: 31\n" in done.stdout
    assert 30 < float(done.stdout.splitlines()[-1]) < MOST_MEGABYTES
