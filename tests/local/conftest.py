"""Sample apps on the session's Azurite."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import azurite
from local.host import child
from tests.local.sample import Sample

_numbers = itertools.count(1)


@pytest.fixture
def sample(azurite_account: azurite.Account, tmp_path: Path) -> Sample:
    """A sample app for one test, which starts its host."""
    return Sample(f"sample{next(_numbers)}", tmp_path, azurite_account)


@pytest.fixture(scope="session")
def shared_sample(
    azurite_account: azurite.Account, tmp_path_factory: pytest.TempPathFactory
) -> Sample:
    """One sample app for all tests that can share it; its host is `shared_host`."""
    return Sample("shared", tmp_path_factory.mktemp("shared"), azurite_account)


@pytest.fixture(scope="package")
def shared_host(shared_sample: Sample) -> Iterator[child.Host]:
    """A running host for tests that name their blobs and messages differently."""
    for kind in ("in", "text", "events"):
        shared_sample.container(kind)
    with shared_sample.running() as host:
        yield host
