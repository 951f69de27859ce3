"""The composition root: every service can be made, once, and without a connection."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from clips.compose import Services, compose
from clips.compose.at_first_use import at_first_use
from clips.compose.shared_parts import SharedParts
from shared.settings import from_mapping
from tests.settings import REQUIRED

SERVICES = [
    name
    for kind in (Services, SharedParts)
    for name, made in vars(kind).items()
    if isinstance(made, at_first_use)
]


@pytest.fixture(scope="module")
def services() -> Services:
    account = {"AZURE_STORAGE_ACCOUNT_NAME": "clips", "AZURE_STORAGE_ACCOUNT_KEY": "c2VjcmV0"}
    return compose(from_mapping(REQUIRED | account))


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_made_from_the_settings_alone(services: Services, name: str) -> None:
    assert getattr(services, name) is getattr(services, name)


class Counted:
    def __init__(self) -> None:
        self.made = 0
        self.all_wait = threading.Barrier(4)

    @at_first_use
    def part(self) -> object:
        self.made += 1
        return object()


def test_part_that_several_threads_need_is_made_once() -> None:
    counted = Counted()

    def read() -> object:
        counted.all_wait.wait()
        return counted.part

    with ThreadPoolExecutor(4) as threads:
        parts = {threads.submit(read) for _ in range(4)}
    assert len({part.result() for part in parts}) == counted.made == 1


def test_part_that_could_not_be_made_is_made_by_the_next_call() -> None:
    class Failing:
        calls = 0

        @at_first_use
        def part(self) -> str:
            self.calls += 1
            if self.calls == 1:
                raise RuntimeError("no such module")
            return "made"

    failing = Failing()
    with pytest.raises(RuntimeError, match="no such module"):
        _ = failing.part
    assert failing.part == "made"
