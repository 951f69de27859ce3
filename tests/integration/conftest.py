"""Real clips, made once a session; a library for them; outages; a key vault."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from azure.storage.blob import LinearRetry

from shared.postgres.database import Database
from shared.settings.secret import Fixed
from shared.storage import signed_requests
from shared.storage.sdk import account
from tests.integration.library import Library
from tests.integration.stores import (  # noqa: F401 - fixtures for every module here
    any_store,
    https_account,
    identity,
    identity_store,
    plain_store,
)
from tests.integration.vault import FakeVault, serving_vault
from tests.media import clips
from tests.services import AllServices


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds of 320x180 H.264 with sound."""
    return _made(tmp_path_factory, clips.Clip(sounds=("aac",)))


@pytest.fixture(scope="session")
def longer_film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three seconds of 160x160 H.264 without sound."""
    return _made(tmp_path_factory, clips.Clip(seconds=3.0, size=(160, 160)))


@pytest.fixture
def library(services: AllServices) -> Library:
    return Library(services)


@pytest.fixture
def database(empty_database_url: str) -> Iterator[Database]:
    """A database without tables."""
    with Database(Fixed(empty_database_url)) as database:
        yield database


@pytest.fixture
def admin(empty_database_url: str) -> Iterator[psycopg.Connection]:
    """Another connection to the same database."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens the wait for connections, for tests in which none is free."""
    monkeypatch.setattr("shared.postgres.pool._WAIT_SECONDS", 2.0)


@pytest.fixture
def no_client_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disables the retries of the storage client, which would make an outage longer."""
    # The pause is for `Blobs.check`, which always makes one retry.
    retries = LinearRetry(backoff=0, random_jitter_range=0, retry_total=0)
    monkeypatch.setitem(account._CLIENT_OPTIONS, "retry_policy", retries)
    once = replace(signed_requests._RETRIES, attempts=1)
    monkeypatch.setattr(signed_requests, "_RETRIES", once)


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeVault]:
    """An empty vault, and an environment through which the app's identity may read it."""
    for name in os.environ:
        if name.startswith(("AZURE_", "IDENTITY_", "MSI_")):
            monkeypatch.delenv(name)
    with serving_vault(tmp_path, {}) as vault:
        for name, value in vault.environment.items():
            monkeypatch.setenv(name, value)
        yield vault


def _made(factory: pytest.TempPathFactory, recipe: clips.Clip) -> bytes:
    folder: Path = factory.mktemp("film")
    return clips.make(folder / "film.mp4", recipe).read_bytes()
