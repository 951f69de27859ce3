"""Faults at any request of the app to storage or the database, including the end of its process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType

import pytest

from shared.postgres.database import Database
from shared.storage.rest import RestResponse
from shared.storage.sdk import azure_errors, blob_copies, blob_deletion, blobs, queue
from shared.storage.signed_requests import SignedRequests


class Death(BaseException):
    """The end of the process: no code of the app may catch it."""


@dataclass
class Requests:
    """Counts requests; request number `at` (from 1) raises the exception of `fault`."""

    fault: Callable[[], BaseException] = Death
    at: int = 0
    count: int = 0
    seen: list[str] = field(default_factory=list)

    def arm(self, at: int, fault: Callable[[], BaseException] = Death) -> None:
        self.at, self.count, self.fault = at, 0, fault
        self.seen.clear()

    def disarm(self) -> None:
        self.at = 0

    def pass_(self, what: str) -> None:
        if not self.at:
            return
        self.count += 1
        self.seen.append(what)
        if self.count == self.at:
            raise self.fault()


_STORAGE: tuple[ModuleType, ...] = (blobs, blob_copies, blob_deletion, queue)
_DATABASE = ("one", "all", "one_as", "all_as", "run", "transaction")


def watch(patch: pytest.MonkeyPatch) -> Requests:
    """Counts all requests in the result, which raises nothing until it is armed."""
    requests = Requests()

    @contextmanager
    def storage(operation: str) -> Iterator[None]:
        with azure_errors.azure_errors(operation):
            requests.pass_(f"storage.{operation}")
            yield

    for module in _STORAGE:
        patch.setattr(module, "azure_errors", storage)
    patch.setattr(SignedRequests, "send", _passing_named(requests, SignedRequests.send))
    for name in _DATABASE:
        passing = _passing(requests, f"database.{name}", getattr(Database, name))
        patch.setattr(Database, name, passing)
    return requests


def _passing[Answer](
    requests: Requests, what: str, method: Callable[..., Answer]
) -> Callable[..., Answer]:
    def call(*given: object, **named: object) -> Answer:
        requests.pass_(what)
        return method(*given, **named)

    return call


type _Send = Callable[..., RestResponse]


def _passing_named(requests: Requests, send: _Send) -> _Send:
    """For a method whose first argument is the operation's name."""

    def call(
        client: SignedRequests, operation: str, *rest: object, **named: object
    ) -> RestResponse:
        requests.pass_(f"storage.{operation}")
        return send(client, operation, *rest, **named)

    return call
