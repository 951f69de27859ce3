"""The check of a blob's tier returns what one request shows, and nothing more."""

import socket
import threading
from uuid import uuid4

import pytest
from azure.storage.blob import StandardBlobTier

from shared.errors import BlobMissing, StorageUnavailable
from shared.settings import StorageSettings
from shared.settings.secret import Fixed
from shared.storage.rest import RetryPolicy
from shared.storage.sdk.account import StorageAccount
from shared.storage.signing.signed_links import Links
from shared.storage.tier_check import TierCheck
from tests.integration.library import Library
from tests.servers import Reply, Request, serving


@pytest.fixture
def tier_check(library: Library) -> TierCheck:
    services = library.services
    return TierCheck(services.account, Links(services.account, services.clock))


@pytest.mark.parametrize(
    ("tier", "readable"),
    [
        (None, True),
        (StandardBlobTier.COOL, True),
        (StandardBlobTier.COLD, True),
        (StandardBlobTier.ARCHIVE, False),
    ],
)
def test_blobs_outside_the_archive_can_be_read(
    library: Library,
    tier_check: TierCheck,
    tier: StandardBlobTier | None,
    readable: bool,  # noqa: FBT001 - a table
) -> None:
    name = f"{library.video.id}/ä b+%41 {uuid4()}.mp4"
    library.upload(name, b"bytes")
    if tier is not None:
        client = library.services.account.client
        client.get_blob_client(library.containers.clips, name).set_standard_blob_tier(tier)
    assert tier_check.is_readable(library.containers.clips, name) is readable


def test_missing_blob_is_recognised(library: Library, tier_check: TierCheck) -> None:
    with pytest.raises(BlobMissing):
        tier_check.is_readable(library.containers.clips, "nothing.mp4")


def test_refused_connection_leaves_the_tier_unknown(library: Library) -> None:
    """The SDK's client then retries, and its error has the reason."""
    settings = StorageSettings(
        connection_string=None,
        account_name="devstoreaccount1",
        account_key=Fixed("c2VjcmV0"),
        endpoint="http://127.0.0.1:9/devstoreaccount1",
    )
    account = StorageAccount(settings, library.services.clock)
    away = TierCheck(account, Links(account, library.services.clock))
    assert away.is_readable("test-clips", "a.mp4") is False


@pytest.mark.parametrize("by_storage", [True, False])
def test_closed_connection_is_replaced(
    library: Library, tier_check: TierCheck, film: bytes, *, by_storage: bool
) -> None:
    """The connection was closed between two requests."""
    clip = library.landed(film)
    assert clip.blob_name is not None
    assert tier_check.is_readable(library.containers.clips, clip.blob_name)
    (connection,) = tier_check._rest._connections._idle
    assert connection.sock is not None
    if by_storage:
        connection.sock.shutdown(socket.SHUT_RD)  # from then on the end is read
    else:
        connection.sock.close()
    assert tier_check.is_readable(library.containers.clips, clip.blob_name)


def test_threads_that_end_leave_no_connections_open(
    library: Library, tier_check: TierCheck, film: bytes
) -> None:
    clip = library.landed(film)
    assert clip.blob_name is not None
    for _ in range(5):
        thread = threading.Thread(
            target=tier_check.is_readable, args=(library.containers.clips, clip.blob_name)
        )
        thread.start()
        thread.join()
    assert len(tier_check._rest._connections._open) == 1


def test_silent_storage_is_an_outage_after_one_wait(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request for all properties, which would wait as long again, is not sent."""
    monkeypatch.setattr(
        "shared.storage.tier_check._ONE_ATTEMPT", RetryPolicy(attempts=1, timeout=0.2)
    )
    over = threading.Event()

    def answer(_: Request) -> Reply:
        over.wait(30)
        return Reply(200)

    with serving(answer) as silent:
        settings = StorageSettings(
            connection_string=None,
            account_name="devstoreaccount1",
            account_key=Fixed("c2VjcmV0"),
            endpoint=f"{silent.url}/devstoreaccount1",
        )
        account = StorageAccount(settings, library.services.clock)
        check = TierCheck(account, Links(account, library.services.clock))
        with pytest.raises(StorageUnavailable):
            check.is_readable("test-clips", "a.mp4")
        over.set()
