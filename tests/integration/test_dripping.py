"""A server that sends a byte now and then: each read is in time, but the whole answer is late.

Without the limit, the answers would be accepted.
"""

import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from local.ports import LOOPBACK
from local.serving import in_a_thread
from shared.auth.app_identity import AppIdentity
from shared.errors import DatabaseUnavailable, StorageUnavailable
from shared.network import strict_http
from shared.postgres.database import Database
from shared.settings import key_vault
from shared.settings.key_vault import KeyVault
from shared.settings.secret import Fixed, VaultUnavailable
from shared.storage.rest import RestClient, RetryPolicy, StorageSilent
from shared.storage.sdk import account
from tests.integration.test_storage_outages import blobs_at
from tests.integration.vault import FakeVault
from tests.servers import Reply, dripping, serving

# The SDK takes it for JSON.
FILLING = b"1" * 200
STATUS = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n" % len(FILLING)
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
ANSWERS = {
    "status": (STATUS + LENGTH + FILLING, 0),
    "headers": (STATUS + b"X-Long: " + FILLING + b"\r\n" + LENGTH + FILLING, len(STATUS)),
    "body": (STATUS + LENGTH + FILLING, len(STATUS + LENGTH)),
    "chunks": (STATUS + CHUNKED + b"1\r\n1\r\n" * 40 + b"0\r\n\r\n", len(STATUS + CHUNKED)),
    "until the end": (STATUS + b"\r\n" + FILLING, len(STATUS) + 2),
}
EVERY_ANSWER = pytest.mark.parametrize(("answer", "at_once"), ANSWERS.values(), ids=ANSWERS.keys())
ONCE = RetryPolicy(attempts=1, timeout=0.3)


def sent(url: str, policy: RetryPolicy) -> bytes:
    client = RestClient(url, policy)
    try:
        return client.send("GET", lambda: f"{url}/a?sig=1").body
    finally:
        client.close()


@EVERY_ANSWER
def test_small_client_gives_up_an_answer_that_drips(answer: bytes, at_once: int) -> None:
    with dripping(answer, at_once) as url, pytest.raises(StorageSilent):
        sent(url, ONCE)


def test_small_client_waits_for_a_long_answer_that_keeps_the_pace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It takes longer than the time-out. If the machine pauses that long, the test tries again."""
    monkeypatch.setattr(strict_http, "_PACE", 20)
    answer, at_once = ANSWERS["body"]
    with dripping(answer, at_once + 130) as url:
        policy = RetryPolicy(first=0.01, timeout=1.0)
        assert sent(url, policy) == FILLING


@EVERY_ANSWER
def test_sdk_gives_up_an_answer_that_drips(
    answer: bytes, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(account._CLIENT_OPTIONS, "read_timeout", 0.3)
    with (
        dripping(answer.replace(b"200 OK", b"202 Accepted"), at_once) as url,
        pytest.raises(StorageUnavailable),
    ):
        blobs_at(url).delete("clips", "a")


def test_sdk_waits_for_an_answer_that_drips_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(account._CLIENT_OPTIONS, "read_timeout", 0.3)
    with serving(lambda _: Reply(202, FILLING, pause=0.02)) as served:
        with pytest.raises(StorageUnavailable):
            blobs_at(served.url).delete("clips", "a")
        assert len(served.requests) == 1


def test_vault_that_drips_is_unavailable(vault: FakeVault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.secrets["DATABASE-URL"] = "postgresql://localhost/clips"
    keeper = KeyVault(vault.url, AppIdentity())
    assert keeper.get("DATABASE_URL")
    monkeypatch.setattr(key_vault, "_TIMEOUT", 0.3)
    slow = KeyVault(vault.url, AppIdentity())
    body = b'{"value": "x", "id": "%s/secrets/DATABASE-URL/1"}' % vault.url.encode()
    vault.replies = iter([Reply(200, body, {"Content-Type": "application/json"}, pause=0.03)])
    with pytest.raises(VaultUnavailable):
        slow.get("DATABASE_URL")


@contextmanager
def relayed(database_url: str, slow: threading.Event) -> Iterator[str]:
    """The database behind a relay, which forwards answers byte by byte when it is slow."""
    named = conninfo_to_dict(database_url)

    class Relay(BaseRequestHandler):
        request: socket.socket

        def handle(self) -> None:
            with (
                socket.create_connection((str(named["host"]), int(named["port"] or 0))) as server,
                selectors.DefaultSelector() as selector,
            ):
                selector.register(self.request, selectors.EVENT_READ, server)
                selector.register(server, selectors.EVENT_READ, self.request)
                while True:
                    for key, _ in selector.select():
                        source: socket.socket = key.fileobj  # type: ignore[assignment]  # as registered
                        dripping = slow.is_set() and source is server
                        data = source.recv(1 if dripping else 65536)
                        if not data:
                            return
                        time.sleep(0.02 if dripping else 0)
                        key.data.sendall(data)

    class Server(ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            """The client disconnected."""

    relay = Server((LOOPBACK, 0), Relay)
    with in_a_thread(relay):
        port = relay.server_address[1]
        yield make_conninfo(database_url, host=LOOPBACK, port=port, connect_timeout=2)


@pytest.mark.usefixtures("short_wait")
@pytest.mark.parametrize("signed_in", [False, True], ids=["signing in", "a statement"])
def test_postgres_that_drips_is_unavailable(
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    signed_in: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    monkeypatch.setattr("shared.postgres.pool.answer_seconds", lambda: 0.5)
    monkeypatch.setattr("shared.postgres.pool._CANCEL_SECONDS", 0.5)
    slow = threading.Event()
    with relayed(empty_database_url, slow) as url, Database(Fixed(url)) as database:
        if signed_in:
            assert database.one("SELECT 1 AS one", {}) == {"one": 1}
        slow.set()
        with pytest.raises(DatabaseUnavailable):
            database.one("SELECT repeat('x', 500) AS long", {})
