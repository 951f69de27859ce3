"""A container for one test, with one of three kinds of credentials."""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from local import azurite
from local.ports import free_port
from shared.model.blob import Blob
from shared.network.tls import machine_trust
from shared.settings import StorageSettings
from shared.settings.secret import Fixed
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.blobs import Blobs
from shared.storage.signing.signed_links import Links
from tests.conftest import SetClock
from tests.integration.storage import Answer, ManagedIdentity, identity_environment, send
from tests.servers import serving

# The headers of an upload in one request.
UPLOAD = {"x-ms-blob-type": "BlockBlob", "x-ms-blob-content-type": "video/mp4"}

_numbers = itertools.count(1)


@dataclass
class Store:
    """The container of one test, and its clients."""

    settings: StorageSettings
    clock: SetClock
    account: StorageAccount
    container: str
    authority: Path | None = None

    @property
    def blobs(self) -> Blobs:
        return Blobs(self.account)

    @property
    def links(self) -> Links:
        return Links(self.account, self.clock)

    def put(self, name: str, data: bytes = b"data") -> Blob:
        self.blobs.put(self.container, name, data, "video/mp4", replace=True)
        return self.blobs.get(self.container, name)

    def read(self, name: str) -> bytes:
        blob = self.blobs.get(self.container, name)
        return self.blobs.reader(self.container, blob).read(0, blob.size)

    def names(self, prefix: str = "") -> list[str]:
        return [b.name for page in self.blobs.pages(self.container, prefix) for b in page]

    def send(self, method: str, url: str, body: bytes | None = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return send(method, url, body, named, self.authority)

    def at(self, **parts: float) -> Links:
        """Links as they are made at another time."""
        return Links(self.account, SetClock(datetime.now(UTC) + timedelta(**parts)))


def store(settings: StorageSettings, authority: Path | None = None, prefix: str = "store") -> Store:
    clock = SetClock()
    made = StorageAccount(settings, clock)
    container = f"{prefix}-{next(_numbers)}"
    made.client.create_container(container)
    return Store(settings, clock, made, container, authority)


def by_connection_string(account: azurite.Account) -> StorageSettings:
    return StorageSettings(
        connection_string=Fixed(account.connection_string),
        account_name=None,
        account_key=None,
        endpoint=None,
    )


def by_identity(account: azurite.Account) -> StorageSettings:
    return StorageSettings(
        connection_string=None,
        account_name=account.name,
        account_key=None,
        endpoint=account.blob_endpoint,
    )


def by_key(account: azurite.Account) -> StorageSettings:
    return replace(by_identity(account), account_key=Fixed(account.key))


@pytest.fixture(scope="package")
def https_account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[azurite.Account]:
    """An Azurite with HTTPS that accepts bearer tokens."""
    folder = tmp_path_factory.mktemp("https")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    files = azurite.Certificate(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
    files.cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(files.key)
    authority.cert_pem.write_to_path(files.authority)
    with azurite.running(
        folder / "data",
        blob_port=free_port(),
        queue_port=free_port(),
        certificate=files,
        in_memory=True,
    ) as account:
        yield account


@pytest.fixture
def identity(
    https_account: azurite.Account, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ManagedIdentity]:
    """The app's managed identity, in the environment that the vendor's library reads."""
    for name in os.environ:
        if name.startswith(("AZURE_", "IDENTITY_", "MSI_")):
            monkeypatch.delenv(name)
    identity = ManagedIdentity()
    with serving(identity.answer) as served:
        environment = identity_environment(https_account, served.url, identity)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        machine_trust.cache_clear()
        yield identity
    machine_trust.cache_clear()


@pytest.fixture(params=["connection string", "account key", "identity"])
def any_store(request: pytest.FixtureRequest) -> Store:
    """A store for each of the three kinds of credentials."""
    if request.param == "identity":
        name: str = "identity_store"
        found: Store = request.getfixturevalue(name)
        return found
    account: azurite.Account = request.getfixturevalue("azurite_account")
    make = by_key if request.param == "account key" else by_connection_string
    return store(make(account))


@pytest.fixture
def identity_store(https_account: azurite.Account, identity: ManagedIdentity) -> Store:
    assert identity is not None
    assert https_account.certificate is not None
    return store(by_identity(https_account), https_account.certificate.authority)


@pytest.fixture
def plain_store(azurite_account: azurite.Account) -> Store:
    return store(by_connection_string(azurite_account))
