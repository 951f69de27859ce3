"""One running copy for all pages whose commands are run."""

from collections.abc import Iterator

import pytest

from tests.docs.shell import running_copy


@pytest.fixture(scope="package")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with running_copy(tmp_path_factory.mktemp("copy") / "log") as number:
        yield number
