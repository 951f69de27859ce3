"""With an identity, links are signed with user-delegation keys, which are fetched once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from local import azurite
from shared.errors import StorageUnavailable
from shared.storage.sdk.account import StorageAccount
from shared.storage.signing.signed_links import Links, LinkTerms
from tests.at_once import at_once
from tests.conftest import SetClock
from tests.integration.storage import ManagedIdentity, said
from tests.integration.stores import Store, by_identity

HOUR = timedelta(hours=1)


@dataclass
class Fetches:
    """Counts requests for a user-delegation key; can make them fail."""

    real: Callable[..., object]
    count: int = 0

    def __call__(self, *arguments: object, **named: object) -> object:
        self.count += 1
        return self.real(*arguments, **named)


@pytest.fixture
def fetches(identity_store: Store, monkeypatch: pytest.MonkeyPatch) -> Fetches:
    counting = Fetches(identity_store.account.client.get_user_delegation_key)
    monkeypatch.setattr(identity_store.account.client, "get_user_delegation_key", counting)
    return counting


def test_identitys_token_is_for_storage(identity_store: Store, identity: ManagedIdentity) -> None:
    identity_store.put("a")
    assert set(identity.asked) == {"https://storage.azure.com"}


def test_identity_signs_links_with_a_delegated_key(identity_store: Store) -> None:
    url = identity_store.links.to_read(identity_store.container, "a", HOUR).url
    assert said(url, "skoid") == "00000000-0000-0000-0000-000000000001"
    assert said(url, "spr") == "https,http"


def test_delegation_key_is_cached(identity_store: Store, fetches: Fetches) -> None:
    identity_store.clock.now = identity_store.clock.now.replace(hour=12)
    assert fetches.count == 0
    for hours in (1, 24, 100, 1):
        identity_store.links.to_read(identity_store.container, "a", timedelta(hours=hours))
        identity_store.clock.advance(minutes=10)
    assert fetches.count == 1


def test_links_of_any_life_are_signed_with_a_key_that_storage_gives(identity_store: Store) -> None:
    identity_store.put("a", b"here")
    for hours in (1, 24, 144, 167, 168):
        link = identity_store.links.to_read(
            identity_store.container, "a", timedelta(hours=hours), LinkTerms(download_as="b")
        )
        assert identity_store.send("GET", link.url).body == b"here"


def test_another_instance_makes_the_same_link(
    identity_store: Store, https_account: azurite.Account
) -> None:
    """Storage gives the same key for the same moments."""
    other = StorageAccount(by_identity(https_account), identity_store.clock)
    identity_store.put("a", b"here")
    for hours in (1, 168):
        asked = (identity_store.container, "a", timedelta(hours=hours))
        link = Links(other, identity_store.clock).to_read(*asked)
        assert link == identity_store.links.to_read(*asked)
        assert identity_store.send("GET", link.url).body == b"here"


def test_many_threads_fetch_one_delegated_key(identity_store: Store, fetches: Fetches) -> None:
    links = at_once(
        8, lambda: identity_store.links.to_read(identity_store.container, "a", HOUR).url
    )
    assert len(set(links)) == 1
    assert fetches.count == 1


@pytest.mark.usefixtures("no_client_retries")
def test_missing_delegated_key_is_an_outage_of_storage(
    https_account: azurite.Account, identity: ManagedIdentity
) -> None:
    identity.broken = True
    clock = SetClock()
    links = Links(StorageAccount(by_identity(https_account), clock), clock)
    with pytest.raises(StorageUnavailable):
        links.to_read("c", "a", HOUR)
