"""Passwords and account keys that are changed while the app runs, on real servers."""

import base64
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import repeat
from pathlib import Path

import psycopg
import pytest

from local import azurite, postgres
from local.ports import free_port
from shared.errors import BlobMissing, DatabaseUnavailable, StorageUnavailable
from shared.postgres.database import Database
from shared.settings import Settings, from_mapping
from shared.settings.secret import Secret
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.blobs import Blobs
from shared.storage.signing.signed_links import Links
from tests.conftest import SetClock
from tests.integration.roles import Role, add_role, demand_passwords
from tests.integration.storage import send
from tests.integration.vault import FakeVault, refusal
from tests.servers import refusing

OTHERS = {
    "AUTH_ISSUER": "https://login.example.org",
    "AUTH_AUDIENCE": "cliplink",
    "AUTH_JWKS_URL": "https://login.example.org/keys",
}
HOUR = timedelta(hours=1)


def read_settings(clock: SetClock, **environment: str) -> Settings:
    return from_mapping(
        OTHERS | environment | {"KEY_VAULT_URL": os.environ["KEY_VAULT_URL"]}, clock=clock
    )


# --- The database's password


@pytest.fixture(scope="module")
def strict_server(postgres_server: postgres.Server) -> postgres.Server:
    demand_passwords(postgres_server)
    return postgres_server


@pytest.fixture
def role(strict_server: postgres.Server, empty_database_url: str) -> Iterator[Role]:
    assert strict_server is not None
    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        yield add_role(admin, "old")


@pytest.fixture
def url(vault: FakeVault, role: Role, clock: SetClock) -> Secret:
    """The address with the old password, as the app reads it from the vault."""
    vault.secrets["DATABASE-URL"] = role.url("old")
    settings = read_settings(clock, AZURE_STORAGE_ACCOUNT_NAME="clips")
    vault.asked.clear()
    return settings.database_url


@pytest.fixture
def database(url: Secret) -> Iterator[Database]:
    """A database with a connection that used the old password."""
    with Database(url) as database:
        database.check()
        yield database


def who(database: Database) -> str:
    row = database.one("SELECT current_user::text AS name", {})
    assert row is not None
    return str(row["name"])


def test_new_password_is_used_without_a_restart(
    database: Database, vault: FakeVault, role: Role
) -> None:
    role.set_password("new")
    vault.secrets["DATABASE-URL"] = role.url("new")
    role.end_connections()
    database.check()
    assert vault.asked == ["DATABASE-URL"]


def test_connections_that_are_open_do_not_notice(
    database: Database, vault: FakeVault, role: Role
) -> None:
    role.set_password("new")
    database.check()
    assert vault.asked == []


def test_simultaneous_refusals_read_the_vault_once(
    database: Database, vault: FakeVault, role: Role
) -> None:
    role.set_password("new")
    vault.secrets["DATABASE-URL"] = role.url("new")
    role.end_connections()
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(database.one, "SELECT pg_sleep(0.05)", {}) for _ in range(16)]
        for call in calls:
            call.result()
    assert vault.asked == ["DATABASE-URL"]


@pytest.mark.usefixtures("short_wait")
def test_password_that_is_in_the_vault_too_late_is_an_outage_until_then(
    database: Database, vault: FakeVault, role: Role, clock: SetClock
) -> None:
    """The vault is asked every ten seconds at most, for any number of refused calls."""
    role.set_password("new")
    role.end_connections()
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            database.check()
    assert vault.asked == ["DATABASE-URL"]
    vault.secrets["DATABASE-URL"] = role.url("new")
    clock.advance(seconds=10)
    database.check()
    assert len(vault.asked) == 2


def test_another_role_takes_over_from_one_that_may_not_sign_in_any_more(
    database: Database, vault: FakeVault, role: Role
) -> None:
    """With two roles in turn, one password works at every moment of a rotation."""
    second = add_role(role.admin, "second")
    vault.secrets["DATABASE-URL"] = second.url("second")
    role.forbid_login()
    role.end_connections()
    assert who(database) == second.name


def test_new_address_is_used_within_ten_minutes_although_the_old_one_works(
    url: Secret, vault: FakeVault, role: Role, clock: SetClock
) -> None:
    second = add_role(role.admin, "second")
    vault.secrets["DATABASE-URL"] = second.url("second")
    with Database(url) as database:
        assert who(database) == role.name
    clock.advance(minutes=10)
    with Database(url) as database:
        assert who(database) == second.name
    assert vault.asked == ["DATABASE-URL"]


def test_last_known_password_is_used_while_the_vault_is_away(
    database: Database, vault: FakeVault, role: Role, clock: SetClock
) -> None:
    vault.replies = repeat(refusal(403, "Forbidden", "ForbiddenByFirewall"))
    clock.advance(minutes=10)
    role.end_connections()
    database.check()
    assert vault.asked == ["DATABASE-URL"]


@pytest.mark.usefixtures("short_wait")
def test_outage_of_a_server_does_not_query_the_vault(vault: FakeVault, clock: SetClock) -> None:
    """Only a password that was refused may have been changed."""
    with refusing() as port:
        vault.secrets["DATABASE-URL"] = f"postgresql://cliplink:old@127.0.0.1:{port}/x"
        settings = read_settings(clock, AZURE_STORAGE_ACCOUNT_NAME="clips")
        vault.asked.clear()
        with Database(settings.database_url) as database, pytest.raises(DatabaseUnavailable):
            database.check()
    assert vault.asked == []


# --- The storage account's key


FIRST, SECOND = (base64.b64encode(bytes([n]) * 64).decode() for n in (1, 2))
NAME = "rotating"


@dataclass
class Emulator:
    """An emulator that accepts one key at a time; what is stored in it stays."""

    folder: Path
    port: int
    monkeypatch: pytest.MonkeyPatch
    stack: ExitStack

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/{NAME}"

    def regenerate(self, key: str) -> None:
        """Makes this key the only one that works."""
        self.stack.close()
        self.monkeypatch.setenv("AZURITE_ACCOUNTS", f"{NAME}:{key}")
        running = azurite.running(self.folder, blob_port=self.port, queue_port=free_port())
        self.stack.enter_context(running)


@pytest.fixture
def emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with ExitStack() as stack:
        emulator = Emulator(tmp_path / "azurite", free_port(), monkeypatch, stack)
        emulator.regenerate(FIRST)
        yield emulator


@dataclass
class Store:
    account: StorageAccount
    clock: SetClock

    @property
    def blobs(self) -> Blobs:
        return Blobs(self.account)

    def put(self, name: str) -> None:
        self.blobs.put("clips", name, b"data", "text/plain", replace=True)

    def listed(self) -> list[str]:
        return [blob.name for page in self.blobs.pages("clips") for blob in page]

    def link_status(self, name: str) -> int:
        url = Links(self.account, self.clock).to_read("clips", name, HOUR).url
        return send("GET", url).status


@pytest.fixture
def kept(request: pytest.FixtureRequest, emulator: Emulator, vault: FakeVault) -> "Kept":
    kept = Kept(request.param, emulator.endpoint, vault)
    kept.change(FIRST)
    return kept


@dataclass
class Kept:
    """The key in the vault, alone or in a connection string."""

    setting: str
    endpoint: str
    vault: FakeVault

    def change(self, key: str) -> None:
        text = f"AccountName={NAME};AccountKey={key};BlobEndpoint={self.endpoint}"
        self.vault.secrets[self.setting.replace("_", "-")] = (
            key if self.setting.endswith("KEY") else text
        )


@pytest.fixture
def store(kept: Kept, emulator: Emulator, vault: FakeVault, clock: SetClock) -> Store:
    """A store that used the first key some minutes ago."""
    assert kept.setting
    clock.advance(minutes=-15)
    settings = read_settings(
        clock,
        DATABASE_URL="postgresql://db.example.org/x",
        AZURE_STORAGE_ACCOUNT_NAME=NAME,
        AZURE_STORAGE_BLOB_ENDPOINT=emulator.endpoint,
    )
    account = StorageAccount(settings.storage, clock)
    account.client.create_container("clips")
    store = Store(account, clock)
    store.put("first")
    assert store.link_status("first") == 200
    vault.asked.clear()
    return store


@pytest.mark.parametrize("kept", ["AZURE_STORAGE_CONNECTION_STRING"], indirect=True)
def test_new_key_is_used_without_a_restart(store: Store, emulator: Emulator, kept: Kept) -> None:
    blob = store.blobs.get("clips", "first")
    reader = store.blobs.reader("clips", blob)
    emulator.regenerate(SECOND)
    kept.change(SECOND)
    store.put("second")
    assert kept.vault.asked == [kept.setting.replace("_", "-")]
    assert store.link_status("first") == 200
    assert reader.read(0, 4) == b"data"
    assert store.blobs.delete_prefix("clips", "") == 2
    assert len(kept.vault.asked) == 1


@pytest.mark.parametrize("kept", ["AZURE_STORAGE_ACCOUNT_KEY"], indirect=True)
def test_key_that_is_in_the_vault_too_late_is_an_outage_until_then(
    store: Store, emulator: Emulator, kept: Kept, clock: SetClock
) -> None:
    with pytest.raises(BlobMissing):
        store.blobs.get("clips", "absent")
    assert kept.vault.asked == [], "other refusals do not query the vault"
    emulator.regenerate(SECOND)
    assert store.link_status("first") == 403
    for _ in range(3):
        with pytest.raises(StorageUnavailable):
            store.put("second")
    assert len(kept.vault.asked) == 1
    kept.change(SECOND)
    clock.advance(seconds=10)
    store.put("second")
    assert len(kept.vault.asked) == 2
    assert store.link_status("second") == 200


@pytest.mark.parametrize("kept", ["AZURE_STORAGE_ACCOUNT_KEY"], indirect=True)
def test_links_are_signed_with_the_new_key_within_ten_minutes(
    store: Store, emulator: Emulator, kept: Kept, clock: SetClock
) -> None:
    """No request checks a signature while a link is made, so a refusal would stay unnoticed."""
    emulator.regenerate(SECOND)
    kept.change(SECOND)
    assert store.link_status("first") == 403
    clock.advance(minutes=10)
    assert store.link_status("first") == 200
    assert len(kept.vault.asked) == 1
