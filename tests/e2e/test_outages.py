"""Postgres or storage away, processes killed: nothing uploaded is lost, nothing half-done stays."""

import base64
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from clips.bin.worker import CLIPS
from local import azurite, postgres
from local.ports import free_port
from shared.schema.apply import apply_schema
from shared.settings import from_mapping
from tests import storage_proxy
from tests.e2e.app import App, Caller, wait_for
from tests.e2e.conftest import NewApp
from tests.services import compose_all


class Turnstile:
    """Stops the first request that `stops` describes until it is opened."""

    def __init__(self, *stops: str) -> None:
        self._stops = stops
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self, method: str, path: str) -> int | None:
        if not self.open.is_set() and all(part in f"{method} {path}" for part in self._stops):
            self.reached.set()
            self.open.wait()
        return None


class Switch:
    """Answers every request with a status while it is `on`."""

    def __init__(self, status: int) -> None:
        self._status = status
        self.on = False

    def __call__(self, _method: str, _path: str) -> int | None:
        return self._status if self.on else None


@contextmanager
def behind_a_gate(
    new_app: NewApp, account: azurite.Account, gate: storage_proxy.Gate
) -> Iterator[App]:
    """An app whose own way to storage leads through a gate; the host's does not."""
    port = free_port()
    with storage_proxy.running(port, account.blob_port, gate=gate):
        direct = f":{account.blob_port}/"
        yield new_app(
            AZURE_STORAGE_CONNECTION_STRING="",
            AZURE_STORAGE_ACCOUNT_NAME=account.name,
            AZURE_STORAGE_ACCOUNT_KEY=account.key,
            AZURE_STORAGE_BLOB_ENDPOINT=account.blob_endpoint.replace(direct, f":{port}/"),
            AZURE_STORAGE=account.connection_string,
        )


@contextmanager
def alice_of(app: App) -> Iterator[Caller]:
    with app.client("alice") as client:
        yield Caller(client)


def run_cleanup_later(app: App) -> None:
    """The cleanup as it will run in five minutes, when the trigger has had its chance."""
    services = compose_all(
        from_mapping(app.environment), lambda: datetime.now(UTC) + timedelta(minutes=5)
    )
    with services.database:
        services.cleanup.run()


def work_on_deletions(app: App) -> None:
    """What a message of the queue does: this installation reaches no queue."""
    services = compose_all(from_mapping(app.environment))
    with services.database:
        services.deletions.work(CLIPS)


def end_leases_of_deletions(app: App) -> None:
    """The lease of a call that was killed lasts some seconds, by the clock of the database."""
    with psycopg.connect(app.environment["DATABASE_URL"]) as connection:
        connection.execute("UPDATE clips SET next_try_at = now() WHERE next_try_at IS NOT NULL")


@pytest.mark.parametrize(
    "stop_at",
    [
        ("GET", "-clips/"),  # while the clip is read
        ("PUT", "-thumbnails/"),  # before the poster is written
    ],
)
def test_host_killed_while_it_processes_a_clip_loses_nothing(
    new_app: NewApp, azurite_account: azurite.Account, film: bytes, stop_at: tuple[str, str]
) -> None:
    gate = Turnstile(*stop_at)
    with behind_a_gate(new_app, azurite_account, gate) as app:
        with app.running(lease_seconds=3) as host, alice_of(app) as alice:
            clip = alice.announce(alice.video())
            alice.send(clip, film)
            assert gate.reached.wait(60)
            assert alice.clip(clip["id"])["status"] == "processing"
            host.child.process.kill()
            host.child.process.wait()
        gate.open.set()
        with app.running(), alice_of(app) as alice:
            ready = alice.settled(clip["id"])
            assert ready["status"] == "ready"
            assert httpx.get(ready["thumbnail_access_url"]).status_code == 200


def test_host_killed_while_it_deletes_a_clip_loses_nothing(
    new_app: NewApp, azurite_account: azurite.Account, film: bytes
) -> None:
    gate = Turnstile("DELETE", "-clips/")
    with behind_a_gate(new_app, azurite_account, gate) as app:
        with app.running() as host, alice_of(app) as alice:
            clip = alice.uploaded(film)
            url = f"{alice.http.base_url}clips/{clip['id']}"
            authorization = alice.http.headers["Authorization"]

            def delete() -> None:
                with pytest.raises(httpx.HTTPError):
                    httpx.delete(url, headers={"Authorization": authorization}, timeout=60)

            caller = threading.Thread(target=delete)
            caller.start()
            assert gate.reached.wait(60)
            assert alice.http.get(f"/clips/{clip['id']}").status_code == 404, "hidden at once"
            host.child.process.kill()
            host.child.process.wait()
            caller.join()
        gate.open.set()
        with app.running(), alice_of(app) as alice:
            assert alice.http.get(f"/clips/{clip['id']}").status_code == 404

            end_leases_of_deletions(app)

            def bytes_are_moved() -> bool | None:
                work_on_deletions(app)
                return None if app.blobs() else True

            wait_for(bytes_are_moved, "the bytes to be in the bin")
            restored = alice.http.post(f"/clips/{clip['id']}/restore")
            assert restored.status_code == 200
            assert alice.settled(clip["id"])["status"] == "ready"


def test_outage_of_storage_is_answered_with_503(
    new_app: NewApp, azurite_account: azurite.Account, film: bytes
) -> None:
    """Callers get 503; a function that processes a clip waits, so no cleanup is needed."""
    gate = Switch(503)
    with (
        behind_a_gate(new_app, azurite_account, gate) as app,
        app.running(),
        alice_of(app) as alice,
    ):
        video_id = alice.video()
        clip = alice.announce(video_id)
        gate.on = True
        with app.client(None) as anonymous:
            health = anonymous.get("/health")
        assert health.status_code == 503
        assert health.json()["checks"] == {"database": "ok", "storage": "unavailable"}
        metadata = alice.http.get(f"/clips/{clip['id']}/metadata")
        assert (metadata.status_code, metadata.json()["code"]) == (503, "storage_unavailable")
        assert int(metadata.headers["Retry-After"]) > 0

        app.put_blob(f"{video_id}/{clip['id']}.mp4", film)
        wait_for(lambda: True if "tried again in" in app.log else None, "the call to wait")
        gate.on = False
        assert alice.settled(clip["id"])["status"] == "ready"
        assert clip["id"] not in poisoned(app)


def test_outage_of_postgres_is_answered_with_503(
    new_app: NewApp, film: bytes, tmp_path: Path
) -> None:
    """Callers get 503; a function that processes a clip waits, so no cleanup is needed."""
    port = free_port()
    with ExitStack() as stack:
        with postgres.running(tmp_path / "data", port, durable=False) as server:
            apply_schema(server.url)
            app = new_app(DATABASE_URL=server.url)
            stack.enter_context(app.running())
            alice = stack.enter_context(alice_of(app))
            video_id = alice.video()

        answer = alice.http.get("/videos")
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        app.put_blob(f"{video_id}/meanwhile.mp4", film)
        wait_for(lambda: True if "tried again in" in app.log else None, "the call to wait")

        with postgres.running(tmp_path / "data", port, durable=False):

            def ready() -> bool | None:
                found = alice.http.get(f"/videos/{video_id}/clips").json()
                return True if [clip["status"] for clip in found] == ["ready"] else None

            wait_for(ready, "the clip")
            assert video_id not in poisoned(app)


def test_host_that_stops_during_an_outage_does_not_wait_for_its_end(
    new_app: NewApp, azurite_account: azurite.Account, film: bytes
) -> None:
    """The call gives up at once, so that another instance can take the message."""
    gate = Switch(503)
    with behind_a_gate(new_app, azurite_account, gate) as app, ExitStack() as stack:
        alice = stack.enter_context(alice_of(app))
        with app.running() as host:
            video_id = alice.video()
            gate.on = True
            app.put_blob(f"{video_id}/meanwhile.mp4", film)
            wait_for(lambda: re.search(r"tried again in [1-9]\.", app.log), "a long pause")
            host.child.process.terminate()
            host.child.process.wait(60)
            assert "clip_landed failed" in app.log
        gate.on = False
        with app.running():
            (clip,) = wait_for(
                lambda: alice.http.get(f"/videos/{video_id}/clips").json() or None, "the clip"
            )
            assert alice.settled(clip["id"])["status"] == "ready"


def poisoned(app: App) -> str:
    """What the host has given up, as one text."""
    return " ".join(base64.b64decode(message).decode() for message in app.poison())


def test_emptied_database_causes_no_client_error(new_app: NewApp) -> None:
    """The app remembers users; when their rows are gone, it meets them anew."""
    app = new_app()
    with app.running(), alice_of(app) as alice:
        alice.video()
        with psycopg.connect(app.environment["DATABASE_URL"]) as connection:
            connection.execute("TRUNCATE users CASCADE")
        answer = alice.http.post("/videos", json={})
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        alice.video()
