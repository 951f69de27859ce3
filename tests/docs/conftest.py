"""One running copy for all pages whose commands the tests run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.shell import running_copy


@pytest.fixture(scope="package")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of the running copy."""
    return tmp_path_factory.mktemp("copy") / "log"


@pytest.fixture(scope="package")
def port(log: Path) -> Iterator[int]:
    with running_copy(log) as number:
        yield number
