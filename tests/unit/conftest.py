"""An issuer whose keys a test can change."""

from collections.abc import Callable, Iterator

import pytest

from shared.auth.tokens import Identity
from tests.conftest import SetClock
from tests.servers import Reply, Request, Served, serving
from tests.tokens import KeySet


class _Listener:
    """Answers with the key set of the running test."""

    key_set: KeySet | None = None

    def answer(self, _: Request) -> Reply:
        return Reply(404) if self.key_set is None else self.key_set.answer()


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[_Listener, Served]]:
    listener = _Listener()
    with serving(listener.answer) as served:
        yield listener, served


@pytest.fixture
def key_set(listener: tuple[_Listener, Served], clock: SetClock) -> KeySet:
    answering, served = listener
    served.requests.clear()
    answering.key_set = KeySet(served, clock)
    return answering.key_set


@pytest.fixture
def verify(key_set: KeySet) -> Callable[[str], Identity]:
    verifier = key_set.verifier()
    return lambda text: verifier.verify(f"Bearer {text}")
