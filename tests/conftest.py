"""Real parts for every test: one Postgres, one Azurite and one token issuer a session.

Each test gets its own database, cloned from a template with the schema, and its own containers.
"""

import itertools
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from azure.storage.blob import BlobServiceClient
from psycopg import sql

from local import azurite, postgres
from local.issuer import AUDIENCE, ISSUER, Issuer
from local.ports import free_port
from shared.schema.apply import apply_schema
from shared.settings import Settings, from_mapping
from tests import log_scan
from tests.services import AllServices, compose_all

_numbers = itertools.count(1)
_KEPT_DATABASES = 5


@dataclass
class SetClock:
    """A clock that does not advance until a test moves it."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@pytest.fixture(scope="session", autouse=True)
def no_secret_is_logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fails the session if a line of any log holds a secret: see tests/log_scan.py.

    This fixture is set up before all others, so it checks when their processes have ended.
    """
    with log_scan.scanning() as scan:
        yield
    scan.check_files(tmp_path_factory.getbasetemp())
    if scan.findings:
        found = "\n".join(scan.findings[:50])
        pytest.fail(f"{len(scan.findings)} lines of logs hold a secret:\n{found}", pytrace=False)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    directory = tmp_path_factory.mktemp("postgres") / "data"
    with postgres.running(directory, free_port(), durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def azurite_account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[azurite.Account]:
    directory = tmp_path_factory.mktemp("azurite") / "data"
    with azurite.running(
        directory, blob_port=free_port(), queue_port=free_port(), in_memory=True
    ) as account:
        yield account


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer(tmp_path_factory.mktemp("issuer") / "key.pem")


@pytest.fixture(scope="session")
def jwks_url(issuer: Issuer) -> Iterator[str]:
    with issuer.serving(free_port()) as url:
        yield url


@pytest.fixture(scope="session")
def template_database(postgres_server: postgres.Server) -> str:
    name = "template_cliplink"
    create_database(postgres_server, name)
    apply_schema(postgres_server.database_url(name))
    return name


@pytest.fixture
def database_url(postgres_server: postgres.Server, template_database: str) -> Iterator[str]:
    """A database with the schema, for one test."""
    with _own_database(postgres_server, template_database) as name:
        yield with_password(postgres_server.database_url(name))


@pytest.fixture
def empty_database_url(postgres_server: postgres.Server) -> Iterator[str]:
    with _own_database(postgres_server) as name:
        yield with_password(postgres_server.database_url(name))


@pytest.fixture
def environment(
    azurite_account: azurite.Account, database_url: str, jwks_url: str, tmp_path: Path
) -> dict[str, str]:
    """The app's settings for a test, whose containers exist."""
    prefix = f"test-{next(_numbers)}"
    create_containers(azurite_account, prefix)
    return {
        "AZURE_STORAGE_CONNECTION_STRING": azurite_account.connection_string,
        "AZURE_STORAGE_CONTAINER_NAME": prefix,
        "DATABASE_URL": database_url,
        "AUTH_ISSUER": ISSUER,
        "AUTH_AUDIENCE": AUDIENCE,
        "AUTH_JWKS_URL": jwks_url,
        "TEMP_DIR": str(tmp_path / "temp"),
    }


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    return from_mapping(environment)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def services(settings: Settings, clock: SetClock) -> Iterator[AllServices]:
    """The services of all triggers, with real backends and a clock that the test sets."""
    composed = compose_all(settings, clock)
    with composed.database:
        yield composed


def with_password(url: str) -> str:
    """The address of a database with a password in it, which no log may show."""
    return url.replace("@", f":{log_scan.DATABASE_PASSWORD}@", 1)


def create_database(server: postgres.Server, name: str, template: str = "template0") -> None:
    # The default strategy also writes to the log, which takes a fifth longer.
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
    with psycopg.connect(server.database_url("postgres"), autocommit=True) as connection:
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))


_finished: deque[str] = deque()


@contextmanager
def _own_database(server: postgres.Server, template: str = "template0") -> Iterator[str]:
    """Yields the name of a new database, which is dropped after a few more tests.

    By then its connections are closed, but the kernel has not written its files to disk: a run
    makes some ten gigabytes of files, and would wait for the disk. A database stays if a test
    stopped one of its connections.
    """
    name = f"test_{next(_numbers)}"
    create_database(server, name, template)
    yield name
    _finished.append(name)
    if len(_finished) > _KEPT_DATABASES:
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(_finished.popleft()))
        # Not `psycopg.connect`, which the test may have replaced.
        connect = psycopg.Connection.connect
        with (
            connect(server.database_url("postgres"), autocommit=True) as connection,
            suppress(psycopg.errors.ObjectInUse),
        ):
            connection.execute(drop)


def create_containers(account: azurite.Account, prefix: str) -> None:
    with BlobServiceClient.from_connection_string(account.connection_string) as client:
        for kind in ("videos", "clips", "thumbnails", "temp", "bin"):
            client.create_container(f"{prefix}-{kind}")
