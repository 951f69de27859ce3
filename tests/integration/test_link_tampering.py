"""A link cannot be changed: no part can be replaced, added or left out.

The emulator checks signatures, times, purposes and the protocol as Azure does. It does not
look at where a request comes from: of `sip` we can prove here that it is under the signature,
so that it cannot be removed. With a user-delegation key it does not know `scid` either.
"""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from shared.storage.signing.sas import READ, Draft, Signer
from shared.storage.signing.signed_links import LinkTerms
from shared.storage.signing.windows import link_period
from tests.integration.storage import Answer, said, send
from tests.integration.stores import UPLOAD, Store

HOUR = timedelta(hours=1)
NAME = "v/a.mp4"
OTHER = "v/b.mp4"
TERMS = LinkTerms(ip="127.0.0.1-127.0.0.9", download_as="goal.mp4", content_type="video/mp4")

type Change = Callable[[str], str]


def put(name: str, value: str) -> Change:
    """Replaces the value of a parameter, or adds the parameter."""

    def change(url: str) -> str:
        parameters = dict(parse_qsl(urlsplit(url).query)) | {name: value}
        query = "&".join(f"{n}={quote(v)}" for n, v in parameters.items())
        return f"{url.partition('?')[0]}?{query}"

    return change


def drop(name: str) -> Change:
    def change(url: str) -> str:
        kept = [part for part in urlsplit(url).query.split("&") if not part.startswith(f"{name}=")]
        return f"{url.partition('?')[0]}?{'&'.join(kept)}"

    return change


def again(name: str, value: str) -> Change:
    """Repeats a parameter, after or before the first."""
    return lambda url: f"{url}&{name}={quote(value)}"


def first(name: str, value: str) -> Change:
    return lambda url: url.replace("?", f"?{name}={quote(value)}&")


def elsewhere(path: str, other: str) -> Change:
    return lambda url: url.replace(path, other, 1)


def off_by_one(name: str) -> Change:
    """Changes the first character."""

    def change(url: str) -> str:
        value = dict(parse_qsl(urlsplit(url).query))[name]
        other = ("B" if value[0] != "B" else "C") + value[1:]
        return put(name, other)(url)

    return change


def cut(name: str) -> Change:
    """Removes the last eight characters."""

    def change(url: str) -> str:
        return put(name, dict(parse_qsl(urlsplit(url).query))[name][:-8])(url)

    return change


def without_key(url: str) -> str:
    """Removes the parameters of the delegation key."""
    for name in ("skoid", "sktid", "skt", "ske", "sks", "skv"):
        url = drop(name)(url)
    return url


CHANGES: dict[str, Change] = {
    "another blob": elsewhere(NAME, OTHER),
    "a blob that is not there": elsewhere(NAME, "v/c.mp4"),
    "a longer life": put("se", "2999-01-01T00:00:00Z"),
    "no end": drop("se"),
    "an earlier start": put("st", "2000-01-01T00:00:00Z"),
    "no start": drop("st"),
    "another purpose": put("sp", "rwd"),
    "more purposes": put("sp", "racwdxltmeop"),
    "no purpose": drop("sp"),
    "the whole container": put("sr", "c"),
    "no kind of resource": drop("sr"),
    "another protocol": put("spr", "http"),
    "no protocol": drop("spr"),
    "an older version": put("sv", "2020-02-10"),
    "no version": drop("sv"),
    "another address": put("sip", "203.0.113.4"),
    "every address": put("sip", "0.0.0.0-255.255.255.255"),
    "no address": drop("sip"),
    "another name": put("rscd", 'attachment; filename="virus.exe"'),
    "shown, not saved": drop("rscd"),
    "another type": put("rsct", "text/html"),
    "no type": drop("rsct"),
    "kept for a year by everybody": put("rscc", "public, max-age=31536000"),
    "kept as the blob says": drop("rscc"),
    "a language": put("rscl", "en"),
    "an encoding": put("rsce", "gzip"),
    "a stored policy": put("si", "policy"),
    "another signature": off_by_one("sig"),
    "a cut signature": cut("sig"),
    "no signature": drop("sig"),
    "the end twice": again("se", "2999-01-01T00:00:00Z"),
    "the end twice, first": first("se", "2999-01-01T00:00:00Z"),
    "the purpose twice": again("sp", "rwd"),
}
OF_A_DELEGATED_KEY: dict[str, Change] = {
    "another identity": put("skoid", "00000000-0000-0000-0000-000000000002"),
    "another tenant": put("sktid", "00000000-0000-0000-0000-000000000002"),
    "a key that starts earlier": put("skt", "2000-01-01T00:00:00Z"),
    "a key that ends later": put("ske", "2999-01-01T00:00:00Z"),
    "a key for another service": put("sks", "q"),
    "a key of another version": put("skv", "2020-02-10"),
    "no identity": drop("skoid"),
    "no end of the key": drop("ske"),
    "a link of the account key": without_key,
}


def refused(answers: dict[str, Answer]) -> None:
    assert {what: answer.status for what, answer in answers.items()} == dict.fromkeys(answers, 403)
    assert not any(
        b"mine" in answer.body or b"theirs" in answer.body for answer in answers.values()
    )


@pytest.fixture
def url(any_store: Store) -> str:
    """A link with every parameter."""
    any_store.put(NAME, b"mine")
    any_store.put(OTHER, b"theirs")
    return any_store.links.to_read(any_store.container, NAME, HOUR, TERMS).url


# --- Links to read


def test_unchanged_link_works(any_store: Store, url: str) -> None:
    assert any_store.send("GET", url).body == b"mine"
    assert any_store.send("HEAD", url).status == 200
    assert any_store.send("GET", put("se", said(url, "se"))(url)).status == 200, (
        "put() spells alike"
    )


def test_changed_link_is_refused(any_store: Store, url: str) -> None:
    changes = CHANGES | (OF_A_DELEGATED_KEY if any_store.account.delegates else {})
    links = {what: change(url) for what, change in changes.items()}
    assert all(link != url for link in links.values())
    refused({what: any_store.send("GET", link) for what, link in links.items()})


def test_signature_is_valid_for_no_other_link(any_store: Store, url: str) -> None:
    other = any_store.links.to_read(any_store.container, OTHER, HOUR, TERMS).url
    shorter = any_store.links.to_read(any_store.container, NAME, 2 * HOUR, TERMS).url
    for taken_from in (other, shorter):
        mixed = put("sig", said(taken_from, "sig"))(url)
        assert any_store.send("GET", mixed).status == 403


def test_read_link_allows_reading_only(any_store: Store, url: str) -> None:
    container = f"{url.replace(f'/{NAME}', '')}&restype=container"
    authority = any_store.authority
    refused(
        {
            "overwrite": send("PUT", url, b"x", UPLOAD, authority),
            "add a block": send("PUT", f"{url}&comp=block&blockid=MQ%3D%3D", b"x", None, authority),
            "settle blocks": send("PUT", f"{url}&comp=blocklist", b"<x/>", None, authority),
            "delete": any_store.send("DELETE", url),
            "set metadata": any_store.send("PUT", f"{url}&comp=metadata", b"", x_ms_meta_a="b"),
            "set headers": any_store.send("PUT", f"{url}&comp=properties", b""),
            "set tags": any_store.send("PUT", f"{url}&comp=tags", b"<Tags/>"),
            "set the tier": any_store.send("PUT", f"{url}&comp=tier", b"", x_ms_access_tier="Cool"),
            "take a lease": any_store.send(
                "PUT",
                f"{url}&comp=lease",
                b"",
                x_ms_lease_action="acquire",
                x_ms_lease_duration="-1",
            ),
            "take a snapshot": any_store.send("PUT", f"{url}&comp=snapshot", b""),
            "list": any_store.send("GET", f"{container}&comp=list"),
            "drop the container": any_store.send("DELETE", container),
        }
    )
    assert any_store.read(NAME) == b"mine"
    assert any_store.names() == [NAME, OTHER]


def test_https_link_is_refused_over_http(plain_store: Store) -> None:
    """Links are https except on loopback, where the emulator uses plain HTTP."""
    plain_store.put(NAME, b"mine")
    key = plain_store.account._key
    assert key is not None
    signer = Signer(plain_store.account.name, key.current(), "https")
    when = link_period(plain_store.clock(), HOUR, HOUR)
    _, query = Draft(signer, plain_store.container, READ, when).sign(NAME)
    url = f"{plain_store.account.url(plain_store.container, NAME)}?{query}"
    answer = plain_store.send("GET", url)
    assert answer.status == 403
    assert b"AuthorizationProtocolMismatch" in answer.body
    assert plain_store.send("GET", put("spr", "https,http")(url)).status == 403
    assert plain_store.send("GET", drop("spr")(url)).status == 403


def test_id_of_a_link_by_the_account_key_is_not_signed(plain_store: Store) -> None:
    """The docs say so: logs that no one can falsify need an identity."""
    plain_store.put(NAME, b"mine")
    url = plain_store.links.to_read(plain_store.container, NAME, HOUR).url
    assert plain_store.send("GET", put("scid", "anything")(url)).body == b"mine"


# --- Links to upload


@pytest.fixture
def upload_url(any_store: Store) -> str:
    any_store.put(NAME, b"mine")
    any_store.put(OTHER, b"theirs")
    return any_store.links.to_upload(any_store.container, NAME, HOUR).url


def test_changed_upload_link_is_refused(any_store: Store, upload_url: str) -> None:
    changes = CHANGES | (OF_A_DELEGATED_KEY if any_store.account.delegates else {})
    links = {what: change(upload_url) for what, change in changes.items()}
    # What an upload link does not say, it cannot lack.
    links = {what: link for what, link in links.items() if link != upload_url}
    assert len(links) >= len(changes) - 4
    refused(
        {what: send("PUT", link, b"x", UPLOAD, any_store.authority) for what, link in links.items()}
    )
    assert any_store.read(NAME) == b"mine"
    assert any_store.read(OTHER) == b"theirs"
    assert any_store.names() == [NAME, OTHER]


def test_upload_link_reads_nothing(any_store: Store, upload_url: str) -> None:
    other = upload_url.replace(NAME, OTHER)
    container = f"{upload_url.replace(f'/{NAME}', '')}&restype=container"
    refused(
        {
            "read": any_store.send("GET", upload_url),
            "look": any_store.send("HEAD", upload_url),
            "read a part": any_store.send("GET", upload_url, Range="bytes=0-1"),
            "read metadata": any_store.send("GET", f"{upload_url}&comp=metadata"),
            "list its blocks": any_store.send("GET", f"{upload_url}&comp=blocklist"),
            "delete": any_store.send("DELETE", upload_url),
            "read another": any_store.send("GET", other),
            "overwrite another": send("PUT", other, b"x", UPLOAD, any_store.authority),
            "delete another": any_store.send("DELETE", other),
            "list": any_store.send("GET", f"{container}&comp=list"),
            "drop the container": any_store.send("DELETE", container),
        }
    )
    assert any_store.names() == [NAME, OTHER]
