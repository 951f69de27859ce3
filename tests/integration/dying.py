"""A child process that works on one message and is killed at a request that writes to storage.

python -m tests.integration.dying SERVICE CLIP_ID REQUEST, with the app's environment
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import pytest

_ROOT = Path(__file__).parents[2]


def kill_at(environment: Mapping[str, str], service: str, clip_id: UUID, request: int) -> None:
    """Runs a service on a clip in a process that is killed at that request."""
    command = [sys.executable, "-m", "tests.integration.dying", service, str(clip_id), str(request)]
    settings = dict(environment) | {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=_ROOT, env=settings, check=False)
    assert done.returncode == -signal.SIGKILL


def _work(service: str, clip_id: UUID, request: int) -> None:
    from clips.compose import compose
    from shared.settings import read_environment
    from shared.storage.rest import RestClient, RestResponse

    send, sent = RestClient.send, 0

    def die_at_last(
        client: RestClient, method: str, *given: object, **named: object
    ) -> RestResponse:
        nonlocal sent
        sent += method == "PUT"
        if method == "PUT" and sent == request:
            os.kill(os.getpid(), signal.SIGKILL)
        return send(client, method, *given, **named)  # type: ignore[arg-type]  # what it was given

    pytest.MonkeyPatch().setattr(RestClient, "send", die_at_last)
    getattr(compose(read_environment()), service).work(clip_id)


if __name__ == "__main__":
    _work(sys.argv[1], UUID(sys.argv[2]), int(sys.argv[3]))
