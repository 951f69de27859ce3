"""What a signed link contains: blob, address range, protocol, start, end and host."""

import os
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from azure.storage.blob import BlobServiceClient, generate_blob_sas

from shared.settings import StorageSettings
from shared.settings.secret import Fixed
from shared.storage.sdk.account import StorageAccount
from shared.storage.signing.signed_links import Links, LinkTerms
from shared.storage.signing.windows import link_period, window_of
from tests.conftest import SetClock

KEY = "c2VjcmV0"
NOW = datetime(2026, 11, 22, 12, 0, 0, 999_999, tzinfo=UTC)
HOUR = timedelta(hours=1)
SKEW = timedelta(minutes=5)
NOTHING = timedelta(0)
CDN = "https://media.example.org"
# What callers may ask for, and what shares and posters do.
LIVES = [timedelta(hours=hours) for hours in range(1, 169)]
LIVES += [timedelta(minutes=5), timedelta(seconds=100)]


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOW)


def account(clock: SetClock, **settings: str | None) -> StorageAccount:
    secrets = {name: Fixed(value) for name, value in settings.items() if value is not None}
    found = StorageSettings(
        connection_string=secrets.get("connection_string"),
        account_name=settings.get("account_name"),
        account_key=secrets.get("account_key"),
        endpoint=settings.get("endpoint"),
    )
    return StorageAccount(found, clock)


def by_connection_string(clock: SetClock, **parts: str) -> StorageAccount:
    given = {"AccountName": "clips", "AccountKey": KEY} | parts
    text = ";".join(f"{name}={value}" for name, value in given.items())
    return account(clock, connection_string=text)


def asked(url: str) -> dict[str, str]:
    return {name: value for name, [value] in parse_qs(urlsplit(url).query).items()}


def read_link(clock: SetClock, terms: LinkTerms) -> dict[str, str]:
    links = Links(by_connection_string(clock), clock)
    return asked(links.to_read("c", "b", HOUR, terms).url)


# --- From when until when


def test_link_ends_with_its_window(clock: SetClock) -> None:
    """An hour's links have windows of a quarter: until 13:15, and from before the window."""
    link = Links(by_connection_string(clock), clock).to_read("c", "b", HOUR)
    assert link.expires_at == datetime(2026, 11, 22, 13, 15, tzinfo=UTC)
    assert link.starts_at == datetime(2026, 11, 22, 11, 55, tzinfo=UTC)
    assert asked(link.url)["se"] == "2026-11-22T13:15:00Z"
    assert asked(link.url)["st"] == "2026-11-22T11:55:00Z"


@pytest.mark.parametrize(
    ("life", "window"),
    [
        (timedelta(minutes=5), timedelta(seconds=75)),
        (HOUR, timedelta(minutes=15)),
        (timedelta(hours=4), HOUR),
        (timedelta(hours=168), HOUR),
    ],
)
def test_window_is_a_quarter_of_the_lifetime_and_at_most_an_hour(
    life: timedelta, window: timedelta
) -> None:
    assert window_of(life) == window


def test_never_shorter_than_asked_nor_longer_than_a_window_more() -> None:
    """The link works at once, even with a clock that is five minutes behind."""
    chance = random.Random("lives")
    for life in LIVES * 3:
        now = NOW + timedelta(microseconds=chance.randrange(10**13))
        for window in (window_of(life), timedelta(hours=12), timedelta(minutes=10)):
            link = link_period(now, life, window)
            assert now + life <= link.expires_at < now + life + window
            assert link.starts_at <= now - SKEW
            assert link.expires_at - link.starts_at <= life + window + SKEW


def test_all_callers_within_a_window_get_the_same_link(clock: SetClock) -> None:
    """Another process makes the same link, because it depends on no hidden state."""
    terms = LinkTerms(content_type="video/mp4", download_as="goal.mp4")
    first = Links(by_connection_string(clock), clock).to_read("c", "b", HOUR, terms)
    for minute, second in ((0, 1), (1, 30), (7, 0), (14, 59), (15, 0), (3, 0)):
        clock.now = datetime(2026, 11, 22, 12, minute, second, tzinfo=UTC)
        other = Links(by_connection_string(clock), clock)
        assert other.to_read("c", "b", HOUR, terms) == first
        assert other.to_read("c", "b", HOUR, terms) == first


def test_next_window_has_another_link(clock: SetClock) -> None:
    links = Links(by_connection_string(clock), clock)
    clock.now = datetime(2026, 11, 22, 12, 15, tzinfo=UTC)
    last = links.to_read("c", "b", HOUR)
    clock.advance(microseconds=1)
    next_one = links.to_read("c", "b", HOUR)
    assert next_one.expires_at == last.expires_at + timedelta(minutes=15)
    assert next_one.starts_at == last.starts_at + timedelta(minutes=15)
    assert next_one.id != last.id
    clock.advance(microseconds=-1)
    assert links.to_read("c", "b", HOUR) == last, "clocks are set back"


def test_caller_may_have_a_longer_window(clock: SetClock) -> None:
    links, day, half = Links(by_connection_string(clock), clock), 24 * HOUR, 12 * HOUR
    link = links.to_read("c", "b", day, window=half)
    assert link.expires_at == datetime(2026, 11, 24, tzinfo=UTC)
    clock.advance(hours=11, minutes=59)
    assert links.to_read("c", "b", day, window=half) == link
    assert links.to_read("c", "b", day) != link


def test_link_without_a_window_has_exactly_the_requested_life(clock: SetClock) -> None:
    links = Links(by_connection_string(clock), clock)
    link = links.to_read("c", "b", timedelta(minutes=5), window=NOTHING)
    assert link.expires_at == datetime(2026, 11, 22, 12, 5, tzinfo=UTC)
    assert link.starts_at == datetime(2026, 11, 22, 11, 55, tzinfo=UTC)
    clock.advance(seconds=1)
    assert links.to_read("c", "b", timedelta(minutes=5), window=NOTHING).id != link.id


def test_links_made_for_one_moment_end_together(clock: SetClock) -> None:
    """This holds even if a window ends between the two."""
    links, moment = Links(by_connection_string(clock), clock), clock()
    first = links.to_read("c", "a", HOUR, now=moment)
    clock.advance(minutes=20)
    assert links.to_read("c", "b", HOUR, now=moment).expires_at == first.expires_at


def test_upload_link_is_valid_from_shortly_before_now_until_its_end(clock: SetClock) -> None:
    link = Links(by_connection_string(clock), clock).to_upload("c", "b", HOUR)
    assert link.expires_at == datetime(2026, 11, 22, 13, tzinfo=UTC)
    assert link.starts_at == datetime(2026, 11, 22, 11, 55, tzinfo=UTC)
    assert asked(link.url)["se"] == "2026-11-22T13:00:00Z"
    assert asked(link.url)["st"] == "2026-11-22T11:55:00Z"


# --- What it says


def test_link_carries_its_id(clock: SetClock) -> None:
    links = Links(by_connection_string(clock), clock)
    for link in (links.to_read("c", "b", HOUR), links.to_upload("c", "b", HOUR)):
        assert asked(link.url)["scid"] == str(link.id)


def test_links_with_other_terms_have_other_ids(clock: SetClock) -> None:
    links = Links(by_connection_string(clock), clock)
    made = [
        links.to_read("c", "b", HOUR),
        links.to_read("c", "other", HOUR),
        links.to_read("d", "b", HOUR),
        links.to_read("c", "b", 2 * HOUR),
        links.to_read("c", "b", HOUR, LinkTerms(ip="203.0.113.4")),
        links.to_read("c", "b", HOUR, LinkTerms(download_as="b")),
        links.to_read("c", "b", HOUR, LinkTerms(content_type="video/mp4")),
        links.to_upload("c", "b", HOUR),
    ]
    assert len({link.id for link in made}) == len(made)


def test_link_equals_that_of_the_vendors_client(clock: SetClock) -> None:
    storage = by_connection_string(clock, EndpointSuffix="core.windows.net")
    client = BlobServiceClient(storage.address, credential=KEY)
    chance = random.Random("links")
    for number in range(200):
        name = f"{number}/{chance.choice(['goal.mp4', 'Žofie & 日本語.mp4', "it's 100%+.mp4"])}"
        terms = LinkTerms(
            ip=chance.choice([None, "203.0.113.4", "203.0.113.4-203.0.113.9"]),
            download_as=chance.choice([None, "goal.mp4", 'Ž "x"/%41.mp4']),
            content_type=chance.choice([None, "video/mp4"]),
        )
        link = Links(storage, clock).to_read("c", name, chance.choice(LIVES), terms)
        said = asked(link.url)
        query = generate_blob_sas(
            storage.name,
            "c",
            name,
            account_key=KEY,
            permission="r",
            start=link.starts_at,
            expiry=link.expires_at,
            ip=terms.ip,
            protocol="https",
            cache_control=said["rscc"],
            content_disposition=said.get("rscd"),
            content_type=terms.content_type,
            correlation_id=str(link.id),
        )
        assert link.url == f"{client.get_blob_client('c', name).url}?{query}"


def test_link_is_for_one_blob_and_one_purpose(clock: SetClock) -> None:
    links = Links(by_connection_string(clock), clock)
    read = asked(links.to_read("c", "b", HOUR).url)
    upload = asked(links.to_upload("c", "b", HOUR).url)
    assert (read["sr"], read["sp"]) == ("b", "r")
    assert (upload["sr"], upload["sp"]) == ("b", "cw")


@pytest.mark.parametrize(
    ("endpoint", "protocol"),
    [
        ("https://clips.blob.core.windows.net", "https"),
        ("https://media.example.org", "https"),
        ("https://localhost.example.org", "https"),
        ("http://127.0.0.1:10000/clips", "https,http"),
        ("http://localhost:10000/clips", "https,http"),
        ("http://[::1]:10000/clips", "https,http"),
    ],
)
def test_link_is_https_only_except_on_loopback(
    clock: SetClock, endpoint: str, protocol: str
) -> None:
    storage = by_connection_string(clock, BlobEndpoint=endpoint)
    link = Links(storage, clock).to_read("c", "b", HOUR)
    assert asked(link.url)["spr"] == protocol
    assert link.url.startswith(f"{endpoint}/c/b?")


def test_connection_string_of_the_portal_gives_an_https_address(clock: SetClock) -> None:
    storage = by_connection_string(
        clock, DefaultEndpointsProtocol="https", EndpointSuffix="core.windows.net"
    )
    assert (storage.name, storage.address) == ("clips", "https://clips.blob.core.windows.net")


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"EndpointSuffix": "core.usgovcloudapi.net"},
        {"DefaultEndpointsProtocol": "http"},
        {"DefaultEndpointsProtocol": "http", "EndpointSuffix": "core.windows.net"},
        {"BlobEndpoint": "https://media.example.org/"},
        {"BlobEndpoint": "http://127.0.0.1:10000/clips", "EndpointSuffix": "core.windows.net"},
    ],
)
def test_connection_string_is_read_as_the_vendors_client_reads_it(
    clock: SetClock, parts: dict[str, str]
) -> None:
    text = ";".join(
        f"{n}={v}" for n, v in ({"AccountName": "clips", "AccountKey": KEY} | parts).items()
    )
    with BlobServiceClient.from_connection_string(text) as client:
        theirs = (client.account_name, client.primary_endpoint.rstrip("/"))
        url = client.get_blob_client("c", "a b/~'ž.mp4").url
    storage = by_connection_string(clock, **parts)
    assert theirs in {(storage.name, storage.address), (None, storage.address)}
    assert storage.url("c", "a b/~'ž.mp4") == url
    assert storage.client.primary_endpoint.rstrip("/") == storage.address


def test_name_is_enough_to_find_the_account(clock: SetClock) -> None:
    storage = account(clock, account_name="clips", account_key=KEY)
    assert storage.address == "https://clips.blob.core.windows.net"
    assert storage.url("c", "a b.mp4") == "https://clips.blob.core.windows.net/c/a%20b.mp4"


@pytest.mark.parametrize("key", [KEY, None])
def test_behind_a_domain_of_its_own_the_account_keeps_its_name(
    clock: SetClock, key: str | None
) -> None:
    """The name is part of the signed text, and such a URL does not hold it."""
    storage = account(
        clock, account_name="clips", account_key=key, endpoint="https://media.example.org"
    )
    assert (storage.name, storage.address) == ("clips", "https://media.example.org")


def test_name_in_a_connection_string_overrides_the_setting(clock: SetClock) -> None:
    text = f"AccountName=clips;AccountKey={KEY};BlobEndpoint=https://media.example.org"
    assert account(clock, connection_string=text, account_name="other").name == "clips"


def test_link_is_bound_to_an_address(clock: SetClock) -> None:
    assert read_link(clock, LinkTerms(ip="203.0.113.4"))["sip"] == "203.0.113.4"
    assert "sip" not in read_link(clock, LinkTerms())


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("goal.mp4", "goal.mp4"),
        ("the goal; again.mp4", "the goal; again.mp4"),
        ("Žofie.mp4", "_ofie.mp4"),
        ("日本語.mp4", "___.mp4"),
        ('a"b\\c.mp4', "a_b_c.mp4"),
        ("a\r\nSet-Cookie: x.mp4", "a__Set-Cookie: x.mp4"),
        ("100%.mp4", "100%.mp4"),
    ],
)
def test_download_name_is_written_for_old_and_new_browsers(
    clock: SetClock, name: str, plain: str
) -> None:
    disposition = read_link(clock, LinkTerms(download_as=name))["rscd"]
    kind, quoted, extended = disposition.split("; filename", 2)
    assert kind == "attachment"
    assert quoted == f'="{plain}"'
    assert extended.startswith("*=UTF-8''")
    assert unquote(extended.removeprefix("*=UTF-8''")) == name
    assert extended.isascii()
    assert "\n" not in disposition


def test_link_without_a_download_name_plays(clock: SetClock) -> None:
    said = read_link(clock, LinkTerms(content_type="video/mp4"))
    assert said["rsct"] == "video/mp4"
    assert "rscd" not in said


# --- What may keep what it opens, and for how long


@pytest.mark.parametrize(
    ("life", "seconds"),
    [(timedelta(minutes=5), 300), (HOUR, 3600), (timedelta(hours=168), 3600)],
)
def test_browser_caches_for_an_hour_and_at_most_as_long_as_the_link(
    clock: SetClock, life: timedelta, seconds: int
) -> None:
    link = Links(by_connection_string(clock), clock).to_read("c", "b", life)
    assert asked(link.url)["rscc"] == f"private, max-age={seconds}"


def test_upload_link_has_no_response_headers(clock: SetClock) -> None:
    link = Links(by_connection_string(clock), clock).to_upload("c", "b", HOUR)
    assert "rscc" not in asked(link.url)


# --- Where it leads


@pytest.mark.parametrize("cdn", [CDN, f"{CDN}/clips"])
def test_read_link_leads_to_the_cdn(clock: SetClock, cdn: str) -> None:
    """The edge may cache its content for all who have the same link."""
    storage = by_connection_string(clock)
    direct = Links(storage, clock).to_read("c", "a b.mp4", HOUR)
    link = Links(storage, clock, cdn).to_read("c", "a b.mp4", HOUR)
    assert link.url.startswith(f"{cdn}/c/a%20b.mp4?")
    assert asked(link.url)["rscc"] == "public, max-age=3600"
    assert asked(direct.url)["rscc"] == "private, max-age=3600"


def test_signature_is_that_of_the_account_for_every_link_address(clock: SetClock) -> None:
    """A CDN forwards path and query: storage reads the same link."""
    storage = by_connection_string(clock)
    through, other = (Links(storage, clock, c).to_read("c", "b", HOUR) for c in (CDN, f"{CDN}/x"))
    assert urlsplit(through.url).query == urlsplit(other.url).query


def test_link_for_one_address_leads_to_the_account_itself(clock: SetClock) -> None:
    """Behind a CDN storage would see the address of the CDN."""
    links = Links(by_connection_string(clock), clock, CDN)
    bound = links.to_read("c", "b", HOUR, LinkTerms(ip="203.0.113.4"))
    assert bound.url.startswith("https://clips.blob.core.windows.net/c/b?")
    assert asked(bound.url)["rscc"] == "private, max-age=3600"
    assert links.to_read("c", "b", HOUR).url.startswith(f"{CDN}/c/b?")


def test_upload_leads_to_the_account_itself(clock: SetClock) -> None:
    link = Links(by_connection_string(clock), clock, CDN).to_upload("c", "b", HOUR)
    assert link.url.startswith("https://clips.blob.core.windows.net/c/b?")


# --- What it takes


def test_link_is_made_without_the_vendors_client() -> None:
    """Its library takes a quarter of a second to load."""
    script = """
import sys
from datetime import timedelta
from shared.clock import utc_now
from shared.settings.secret import Fixed
from shared.settings import StorageSettings
from shared.storage.sdk.blobs import Blobs
from shared.storage.signing.signed_links import Links
from shared.storage.sdk.account import StorageAccount
settings = StorageSettings(
    connection_string=None, account_name="clips", account_key=Fixed("c2VjcmV0"), endpoint=None
)
account = StorageAccount(settings, utc_now)
assert Blobs(account) and Links(account, utc_now).to_read("c", "b", timedelta(hours=1)).url
assert account.url("c", "b")
print([name for name in sys.modules if name.partition(".")[0] == "azure"])
"""
    made = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert made.stdout.strip() == "[]"


def test_memory_of_earlier_links_is_bounded(clock: SetClock) -> None:
    """New terms for every link do not fill the memory."""
    links = Links(by_connection_string(clock), clock)
    for number in range(2000):
        links.to_read("c", "b", HOUR, LinkTerms(ip=f"10.0.{number // 256}.{number % 256}"))
    assert len(links._templates) <= 512
