"""The unchanged app on the local host: one for all tests that can share it."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local import azurite, postgres
from local.issuer import AUDIENCE, ISSUER, Issuer
from tests.conftest import create_containers, create_database, with_password
from tests.e2e.app import App, Caller
from tests.media import clips

_numbers = itertools.count(1)

type NewApp = Callable[..., App]


@pytest.fixture(scope="session")
def new_app(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: postgres.Server,
    azurite_account: azurite.Account,
    template_database: str,
    issuer: Issuer,
    jwks_url: str,
) -> NewApp:
    """Makes installations, each with its own database and containers."""

    def make(**changed: str) -> App:
        name = f"e2e-{next(_numbers)}"
        folder = tmp_path_factory.mktemp(name)
        (folder / "share").mkdir()
        create_containers(azurite_account, name)
        create_database(postgres_server, name, template_database)
        environment = {
            "AZURE_STORAGE_CONNECTION_STRING": azurite_account.connection_string,
            "AZURE_STORAGE_CONTAINER_NAME": name,
            "DATABASE_URL": postgres_server.database_url(name),
            "AUTH_ISSUER": ISSUER,
            "AUTH_AUDIENCE": AUDIENCE,
            "AUTH_JWKS_URL": jwks_url,
            "TEMP_DIR": str(folder / "temp"),
            "MIGRATION_ROOT": str(folder / "share"),
        }
        environment |= changed
        environment["DATABASE_URL"] = with_password(environment["DATABASE_URL"])
        return App(
            environment=environment,
            account=azurite_account,
            issuer=issuer,
            folder=folder,
        )

    return make


@pytest.fixture(scope="package")
def app(new_app: NewApp) -> Iterator[App]:
    """The app that tests share: each test is another user, or reads only its own data.

    It ends with these tests, because it scans for new blobs five times a second.
    """
    shared = new_app()
    with shared.running():
        yield shared


@pytest.fixture
def alice(app: App) -> Iterator[Caller]:
    """A new user for this test."""
    with app.client(f"alice-{next(_numbers)}") as client:
        yield Caller(client)


@pytest.fixture
def mallory(app: App) -> Iterator[Caller]:
    """A user who attacks Alice's clips."""
    with app.client(f"mallory-{next(_numbers)}") as client:
        yield Caller(client)


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds of 320x180 H.264 with sound."""
    path: Path = tmp_path_factory.mktemp("film") / "film.mp4"
    return clips.make(path, clips.Clip(sounds=("aac",))).read_bytes()


@pytest.fixture(scope="package")
def ready(app: App, film: bytes) -> Iterator[tuple[Caller, dict[str, Any]]]:
    """A ready clip and its owner, for tests that do not change it."""
    with app.client(f"owner-{next(_numbers)}") as client:
        owner = Caller(client)
        yield owner, owner.uploaded(film, title="Ready")
