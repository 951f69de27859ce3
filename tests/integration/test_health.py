"""The health check answers within seconds, however long other calls would wait."""

import os
import signal
import time

import pytest

from local import azurite
from local.ports import LOOPBACK, free_port
from shared.clock import utc_now
from shared.errors import DatabaseUnavailable, StorageUnavailable
from shared.postgres.database import Database
from shared.settings import StorageSettings
from shared.settings.secret import Fixed
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.blobs import Blobs
from tests import storage_proxy
from tests.integration.stores import Store

# Longer than the time-out of the check, shorter than all others.
_SILENCE = 4.0


def test_silent_database_does_not_delay_the_health_check(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.postgres.pool._CHECK_SECONDS", 0.3)
    monkeypatch.setattr("shared.postgres.pool._CANCEL_SECONDS", 0.3)
    row = database.one("SELECT pg_backend_pid() AS process", {})
    assert row is not None
    os.kill(row["process"], signal.SIGSTOP)
    try:
        with pytest.raises(DatabaseUnavailable):
            database.check()
    finally:
        os.kill(row["process"], signal.SIGCONT)


def test_other_statements_have_their_time_after_a_check(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.postgres.pool._CHECK_SECONDS", 0.3)
    database.check()
    assert database.one("SELECT pg_sleep(0.6), 1 AS one", {}) is not None


def test_silent_storage_does_not_delay_the_health_check(
    plain_store: Store, azurite_account: azurite.Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.storage.sdk.blobs._CHECK_SECONDS", 0.3)
    port = free_port()

    def keep_silent(_method: str, _path: str) -> None:
        time.sleep(_SILENCE)

    settings = StorageSettings(
        connection_string=None,
        account_name=azurite_account.name,
        account_key=Fixed(azurite_account.key),
        endpoint=f"http://{LOOPBACK}:{port}/{azurite_account.name}",
    )
    with (
        storage_proxy.running(port, azurite_account.blob_port, gate=keep_silent),
        pytest.raises(StorageUnavailable),
    ):
        Blobs(StorageAccount(settings, utc_now)).check(plain_store.container)
