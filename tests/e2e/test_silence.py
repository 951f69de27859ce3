"""Storage or Postgres that takes requests and answers none: who needs neither does not wait."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from local import azurite, postgres
from local.ports import free_port
from shared.schema.apply import apply_schema
from tests.e2e.app import App, Caller
from tests.e2e.conftest import NewApp
from tests.e2e.test_outages import alice_of, behind_a_gate

# Far below the time-outs, far above what the calls take on a busy machine.
_AT_ONCE = 5.0
# The longest that a request to storage or a statement may take (10 s), and some time for the rest.
_LIMIT = 20.0


class Silence:
    """Holds every request while it lasts."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._over.set()

    def __call__(self, _method: str, _path: str) -> int | None:
        self._over.wait()
        return None

    @contextmanager
    def lasting(self) -> Iterator[None]:
        self._over.clear()
        try:
            yield
        finally:
            self._over.set()


@pytest.fixture(scope="module")
def silence() -> Silence:
    return Silence()


@pytest.fixture(scope="module")
def silent_app(
    new_app: NewApp, azurite_account: azurite.Account, silence: Silence
) -> Iterator[App]:
    with behind_a_gate(new_app, azurite_account, silence) as app, app.running():
        yield app


type Answer = tuple[str, int, float]


def timed(app: App, method: str, path: str) -> Answer:
    """The call, its status and how many seconds it took; on a connection of its own."""
    with app.client("alice") as client:
        began = time.monotonic()
        status = client.request(method, path).status_code
        return f"{method} {path}", status, time.monotonic() - began


def asked_for(app: App, calls: Sequence[tuple[str, str]]) -> list[Answer]:
    """All at once."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: timed(app, *call), calls))


def test_calls_that_need_no_storage_do_not_wait_for_those_that_do(
    silent_app: App, silence: Silence, film: bytes
) -> None:
    with alice_of(silent_app) as alice:
        ready = alice.uploaded(film)
        doomed = [alice.announce(alice.video()) for _ in range(2)]
    clip, video = f"/clips/{ready['id']}", f"/videos/{ready['video_id']}"
    needing = [
        ("GET", f"{clip}/access-url"),
        ("GET", f"{clip}/metadata"),
        ("GET", f"{clip}/thumbnail?time=1"),
        ("GET", f"{clip}/access-url?variant=storyboard"),
    ] * 4
    # Hidden at once; the blobs are left to the cleanup.
    deleting = [
        ("DELETE", f"/clips/{doomed[0]['id']}"),
        ("DELETE", f"/videos/{doomed[1]['video_id']}"),
    ]
    needing_none = [
        ("POST", f"{video}{clip}/view"),
        ("GET", f"{video}/clips"),
        ("GET", clip),
        ("GET", "/videos"),
    ]
    time.sleep(2.1)  # the clip was seen to be readable: that is remembered for two seconds
    with ThreadPoolExecutor(1) as aside:
        with silence.lasting():
            waiting = aside.submit(asked_for, silent_app, deleting + needing)
            quick: list[Answer] = []
            while not waiting.done():
                time.sleep(0.2)
                quick += asked_for(silent_app, needing_none)
            health = timed(silent_app, "GET", "/health")
        held = waiting.result()

    assert [each for each in quick if each[1] not in {200, 201} or each[2] > _AT_ONCE] == []
    assert [status for _, status, _ in held] == [200] * len(deleting) + [503] * len(needing)
    assert max(seconds for *_, seconds in held) < _LIMIT
    assert [timed(silent_app, "GET", path)[1] for _, path in deleting] == [404, 404]
    assert health[1] == 503
    assert health[2] < _AT_ONCE
    assert timed(silent_app, *needing[0])[1] == 200


def test_call_to_a_silent_postgres_ends_in_time(new_app: NewApp, tmp_path: Path) -> None:
    """Calls that need no storage do not wait."""
    with postgres.running(tmp_path / "data", free_port(), durable=False) as server:
        apply_schema(server.url)
        app = new_app(DATABASE_URL=server.url)
        with app.running(), alice_of(app) as alice:
            video = Caller(alice.http).video()
            stopped = processes_of(server.child.process.pid)
            for process in stopped:
                os.kill(process, signal.SIGSTOP)
            try:
                with ThreadPoolExecutor(1) as aside:
                    waiting = aside.submit(asked_for, app, [("GET", f"/videos/{video}")] * 12)
                    quick = [timed(app, "GET", path) for path in ("/docs", "/openapi.json") * 3]
                    held = waiting.result()
            finally:
                for process in stopped:
                    os.kill(process, signal.SIGCONT)
            assert [each for each in quick if each[1] != 200 or each[2] > _AT_ONCE] == []
            assert [each for each in held if each[1] != 503 or each[2] > _LIMIT] == []
            assert alice.http.get(f"/videos/{video}").status_code == httpx.codes.OK


def processes_of(server: int) -> list[int]:
    """The server and its children, which serve the connections."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return [server, *map(int, children)]
