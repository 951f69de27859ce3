"""Links that an identity signs: the same on every instance, within their key, with few keys."""

import base64
import hashlib
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.storage.blob import UserDelegationKey, generate_blob_sas

from shared.errors import StorageUnavailable
from shared.model.link import SignedLink
from shared.settings import StorageSettings
from shared.storage.sdk.account import StorageAccount
from shared.storage.signing.delegation import KEY_LIFE, key_period
from shared.storage.signing.sas import LinkPeriod
from shared.storage.signing.signed_links import Links
from tests.conftest import SetClock
from tests.integration.storage import moment, said

NOW = datetime(2026, 11, 22, 12, 0, 0, 999_999, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEEK = timedelta(hours=168)
MOST = timedelta(minutes=15)  # what a link of the longest life may lack of it


@dataclass
class Service:
    """Returns keys made of the request and a secret, as storage probably does."""

    secret: str = "one"
    away: bool = False
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.hold.set()

    def get_user_delegation_key(self, start: datetime, expiry: datetime) -> UserDelegationKey:
        self.asked.append((start, expiry))
        assert self.hold.wait(10)
        if self.away:
            raise ServiceRequestError("no answer")
        key = UserDelegationKey()  # type: ignore[no-untyped-call]  # the vendor's has no types
        key.signed_oid, key.signed_tid = "an object", "a tenant"
        key.signed_start = f"{start:%Y-%m-%dT%H:%M:%SZ}"
        key.signed_expiry = f"{expiry:%Y-%m-%dT%H:%M:%SZ}"
        key.signed_service, key.signed_version = "b", "2026-10-06"
        made = hashlib.sha256(f"{self.secret} {start} {expiry}".encode()).digest()
        key.value = base64.b64encode(made).decode()
        return key


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def links(clock: SetClock, service: Service) -> Links:
    return instance(clock, service)


def instance(clock: SetClock, service: Service) -> Links:
    """Links as another process of the app makes them."""
    settings = StorageSettings(
        connection_string=None, account_name="clips", account_key=None, endpoint=None
    )
    account = StorageAccount(settings, clock)
    account._client = service  # type: ignore[assignment]  # all that is asked of it here
    return Links(account, clock)


def read(links: Links, life: timedelta = HOUR) -> SignedLink:
    return links.to_read("c", "b", life)


def moments() -> Iterator[datetime]:
    chance = random.Random("moments")
    for _ in range(40):
        yield NOW + timedelta(microseconds=chance.randrange(10**12))


# --- Which key


def test_every_instance_signs_alike(clock: SetClock, service: Service) -> None:
    """Independent of its start and of the links that it signed before."""
    first, second = instance(clock, service), instance(clock, service)
    for hours in (100, 1, 24):
        read(first, timedelta(hours=hours))
        clock.advance(hours=3, minutes=7)
    for hours in range(1, 169):
        life = timedelta(hours=hours)
        assert read(first, life) == read(second, life)


def test_link_never_outlives_its_key_nor_begins_before_it(
    clock: SetClock, service: Service
) -> None:
    for clock.now in moments():
        links = instance(clock, service)
        for hours in (1, 24, 100, 143, 144, 166, 167, 168):
            url = read(links, timedelta(hours=hours)).url
            assert moment(said(url, "se")) <= moment(said(url, "ske"))
            assert moment(said(url, "skt")) <= moment(said(url, "st")) < clock.now


def test_key_is_requested_within_the_limits_of_the_service(
    clock: SetClock, service: Service
) -> None:
    for clock.now in moments():
        service.asked.clear()
        links = instance(clock, service)
        for hours in range(1, 169):
            read(links, timedelta(hours=hours))
        for start, expiry in service.asked:
            assert clock.now - KEY_LIFE < start < clock.now
            assert clock.now < expiry < clock.now + KEY_LIFE
            assert expiry - start == KEY_LIFE


def test_link_lasts_as_long_as_requested_except_the_longest(
    clock: SetClock, service: Service
) -> None:
    for clock.now in moments():
        links = instance(clock, service)
        for hours in range(1, 168):
            assert read(links, timedelta(hours=hours)).expires_at >= clock.now + HOUR * hours
        longest = read(links, WEEK).expires_at
        assert clock.now + WEEK - MOST <= longest <= clock.now + WEEK


def test_link_of_the_longest_lifetime_is_the_same_for_ten_minutes(
    links: Links, clock: SetClock
) -> None:
    clock.now = datetime(2026, 11, 22, 12, 0, 1, tzinfo=UTC)
    first = read(links, WEEK)
    clock.advance(minutes=9, seconds=59)
    assert read(links, WEEK) == first
    clock.advance(seconds=1)
    assert read(links, WEEK) != first


def test_longest_link_without_a_window_ends_with_its_key_too(links: Links, clock: SetClock) -> None:
    link = links.to_read("c", "b", WEEK, window=timedelta(0))
    assert moment(said(link.url, "se")) == link.expires_at == moment(said(link.url, "ske"))
    assert link.expires_at >= clock.now - timedelta(seconds=1) + WEEK - MOST


def test_one_key_serves_a_day(links: Links, clock: SetClock, service: Service) -> None:
    """Uploads and shares use the same key; only links of nearly a week need another."""
    clock.now = datetime(2026, 11, 22, 6, tzinfo=UTC)
    for _ in range(17 * 4):
        for hours in (1, 24, 100):
            read(links, timedelta(hours=hours))
        links.to_read("c", "b", timedelta(minutes=5), window=timedelta(0))
        links.to_upload("c", "b", 2 * HOUR)
        clock.advance(minutes=15)
    start = datetime(2026, 11, 22, tzinfo=UTC)
    assert set(service.asked) == {(start, start + KEY_LIFE)}


@pytest.mark.parametrize(
    ("begins", "hours", "key_begins"),
    [
        ("2026-11-22T23:59:59", 30, "2026-11-22T00:00:00"),
        ("2026-11-22T12:34:56", 155, "2026-11-22T00:00:00"),
        ("2026-11-22T12:34:56", 156, "2026-11-22T12:00:00"),
        ("2026-11-22T12:34:56", 168, "2026-11-22T12:30:00"),
    ],
)
def test_key_begins_with_the_day_the_hour_or_five_minutes(
    begins: str, hours: int, key_begins: str
) -> None:
    """The key has the coarsest of these starts with which it lasts as long as the link."""
    start = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    key_start, _ = key_period(LinkPeriod(start, start + timedelta(hours=hours)))
    assert key_start == datetime.fromisoformat(key_begins).replace(tzinfo=UTC)


def test_id_of_a_link_by_a_delegation_key_is_signed(links: Links, service: Service) -> None:
    """Storage writes it into its logs; with a delegated key no one can replace it."""
    link = read(links)
    key = service.get_user_delegation_key(*service.asked[0])
    assert link.url.partition("?")[2] == generate_blob_sas(
        "clips",
        "c",
        "b",
        user_delegation_key=key,
        permission="r",
        start=link.starts_at,
        expiry=link.expires_at,
        protocol="https",
        cache_control="private, max-age=3600",
        correlation_id=str(link.id),
    )


# --- Fetching it


def test_keys_that_were_revoked_are_replaced_within_an_hour(
    links: Links, clock: SetClock, service: Service
) -> None:
    clock.now = datetime(2026, 11, 22, 12, 16, tzinfo=UTC)
    before = read(links, 24 * HOUR)
    service.secret = "two"
    clock.advance(minutes=30)
    assert read(links, 24 * HOUR) == before, "of the same window, and not known to be revoked"
    clock.advance(minutes=31)
    read(links)
    assert len(service.asked) == 2
    fresh = instance(clock, service)
    assert read(links, 24 * HOUR) == read(fresh, 24 * HOUR)


def test_key_that_cannot_be_renewed_stays_in_use(
    links: Links, clock: SetClock, service: Service
) -> None:
    """Storage is asked for a key once a minute, not for every link."""
    read(links)
    service.away = True
    clock.advance(hours=2)
    for life in (HOUR, 2 * HOUR, 3 * HOUR):
        assert read(links, life).url
    assert len(service.asked) == 2
    clock.advance(minutes=2)
    read(links)
    assert len(service.asked) == 3


def test_link_needs_a_key(links: Links, service: Service) -> None:
    service.away = True
    with pytest.raises(StorageUnavailable):
        read(links)
    service.away = False
    assert read(links).url


def test_one_thread_fetches_for_all(links: Links, service: Service) -> None:
    service.hold.clear()
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(read, links) for _ in range(8)]
        service.hold.set()
        assert len({link.result().url for link in waiting}) == 1
    assert len(service.asked) == 1


class Queue:
    """A lock that counts the threads that acquire it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.came = threading.Semaphore(0)

    def __enter__(self) -> None:
        self.came.release()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_threads_that_waited_for_a_failed_fetch_do_not_start_another(
    links: Links, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise eight callers of an unavailable account would wait for eight time-outs in a row."""
    queue = Queue()
    monkeypatch.setattr(links._account._delegated, "_lock", queue)
    service.hold.clear()
    service.away = True
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(read, links) for _ in range(8)]
        for _ in waiting:
            assert queue.came.acquire(timeout=10)
        service.hold.set()
        for link in waiting:
            with pytest.raises(StorageUnavailable):
                link.result()
    assert len(service.asked) == 1
    service.away = False
    assert read(links).url


def test_few_keys_are_kept(links: Links, clock: SetClock) -> None:
    for _ in range(60):
        read(links, WEEK)
        clock.advance(minutes=10)
    assert len(links._account._delegated._kept) <= 16
