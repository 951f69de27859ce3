"""What a signed link says: which blob, for whom, over what, from when, until when."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from shared.settings import StorageSettings
from shared.storage import Links, LinkTerms, StorageAccount
from tests.conftest import SetClock

KEY = "c2VjcmV0"
NOW = datetime(2026, 11, 22, 12, 0, 0, 999_999, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOW)


def account(clock: SetClock, **settings: str | None) -> StorageAccount:
    nothing: dict[str, str | None] = dict.fromkeys(
        ("connection_string", "account_name", "account_key", "endpoint")
    )
    return StorageAccount(StorageSettings(**(nothing | settings)), clock)


def by_connection_string(clock: SetClock, **parts: str) -> StorageAccount:
    given = {"AccountName": "clips", "AccountKey": KEY} | parts
    text = ";".join(f"{name}={value}" for name, value in given.items())
    return account(clock, connection_string=text)


def asked(url: str) -> dict[str, str]:
    return {name: value for name, [value] in parse_qs(urlsplit(url).query).items()}


def read_link(clock: SetClock, terms: LinkTerms) -> dict[str, str]:
    links = Links(by_connection_string(clock), clock)
    return asked(links.to_read("c", "b", HOUR, terms).url)


def test_a_link_lives_from_a_little_before_now_until_its_end(clock: SetClock) -> None:
    link = Links(by_connection_string(clock), clock).to_read("c", "b", HOUR)
    assert link.expires_at == datetime(2026, 11, 22, 13, tzinfo=UTC)
    assert asked(link.url)["se"] == "2026-11-22T13:00:00Z"
    assert asked(link.url)["st"] == "2026-11-22T11:55:00Z"


def test_a_link_is_for_one_blob_and_one_purpose(clock: SetClock) -> None:
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
def test_a_link_is_https_only_except_on_loopback(
    clock: SetClock, endpoint: str, protocol: str
) -> None:
    storage = by_connection_string(clock, BlobEndpoint=endpoint)
    link = Links(storage, clock).to_read("c", "b", HOUR)
    assert asked(link.url)["spr"] == protocol
    assert link.url.startswith(f"{endpoint}/c/b?")


def test_a_connection_string_of_the_portal_gives_an_https_address(clock: SetClock) -> None:
    storage = by_connection_string(
        clock, DefaultEndpointsProtocol="https", EndpointSuffix="core.windows.net"
    )
    assert (storage.name, storage.address) == ("clips", "https://clips.blob.core.windows.net")


def test_a_name_is_enough_to_find_the_account(clock: SetClock) -> None:
    storage = account(clock, account_name="clips", account_key=KEY)
    assert storage.address == "https://clips.blob.core.windows.net"
    assert storage.url("c", "a b.mp4") == "https://clips.blob.core.windows.net/c/a%20b.mp4"


@pytest.mark.parametrize("key", [KEY, None])
def test_behind_a_domain_of_its_own_the_account_keeps_its_name(
    clock: SetClock, key: str | None
) -> None:
    """The name is part of what is signed, and does not stand in such an address."""
    storage = account(
        clock, account_name="clips", account_key=key, endpoint="https://media.example.org"
    )
    assert (storage.name, storage.address) == ("clips", "https://media.example.org")


def test_the_name_in_a_connection_string_goes_before_the_setting(clock: SetClock) -> None:
    text = f"AccountName=clips;AccountKey={KEY};BlobEndpoint=https://media.example.org"
    assert account(clock, connection_string=text, account_name="other").name == "clips"


def test_a_link_is_bound_to_an_address(clock: SetClock) -> None:
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
def test_a_download_name_is_written_for_old_and_new_browsers(
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


def test_without_a_download_name_a_browser_plays(clock: SetClock) -> None:
    said = read_link(clock, LinkTerms(content_type="video/mp4"))
    assert said["rsct"] == "video/mp4"
    assert "rscd" not in said
