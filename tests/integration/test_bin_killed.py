"""The worker of deletions in a separate process, which is killed during its work."""

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from local import azurite
from local.ports import free_port
from tests import storage_proxy
from tests.integration.library import Library
from tests.integration.test_bin_faults import check, landed, settle

ROOT = Path(__file__).parents[2]
# Fewer than it takes to move one clip, to delete one permanently and to restore one.
REQUESTS = 24
WORK = """
from clips.compose import compose
from shared.settings import read_environment
compose(read_environment()).deletions.work("clips")
"""


@pytest.mark.parametrize("seed", ["move, purge and restore", "once more"])
def test_worker_that_is_killed_loses_nothing(
    library: Library, environment: dict[str, str], azurite_account: azurite.Account, seed: str
) -> None:
    """SIGKILL at a request to storage: the request arrives, but its answer does not."""
    rows, viewer = library.services.bin_rows, library.viewer
    moved, purged, restored = (landed(library) for _ in range(3))
    library.services.bin.delete_clips(viewer, [restored.id, purged.id])
    assert [check(library, clip) for clip in (moved, restored)] == ["visible", "in bin"]
    rows.hide_clips(viewer, [moved.id], permanent=False)
    rows.hide_clips(viewer, [purged.id], permanent=True)
    rows.restore_clips(viewer, [restored.id])
    library.make_due()

    at = random.Random(seed).randrange(1, REQUESTS)
    count, lock, workers = 0, threading.Lock(), list[subprocess.Popen[bytes]]()

    def kill_at_request(_method: str, _path: str) -> None:
        nonlocal count
        with lock:
            count += 1
            if count == at:
                workers[0].send_signal(signal.SIGKILL)
                workers[0].wait()

    port = free_port()
    with storage_proxy.running(port, azurite_account.blob_port, gate=kill_at_request):
        variable = "AZURE_STORAGE_CONNECTION_STRING"
        line = environment[variable].replace(f":{azurite_account.blob_port}/", f":{port}/")
        command = [sys.executable, "-c", WORK]
        given = {**environment, variable: line, "PATH": os.environ["PATH"]}
        workers.append(subprocess.Popen(command, cwd=ROOT, env=given))
        assert workers[0].wait(60) == -signal.SIGKILL, (at, count)
    settle(library)
    states = [check(library, clip) for clip in (moved, purged, restored)]
    assert states == ["in bin", "gone", "visible"], at
