"""Addresses in answers are ones that the caller can use."""

from typing import cast
from uuid import UUID

import azure.functions as func
import pytest

from clips.compose import Services
from clips.http import urls
from clips.http.request import AnonymousRequest
from shared.errors import InvalidRequest
from shared.model.link import Client


def request(url: str, forwarded: str | None = None, **query: str) -> func.HttpRequest:
    headers = {} if forwarded is None else {"X-Forwarded-Host": forwarded}
    return func.HttpRequest(method="GET", url=url, headers=headers, params=query, body=b"")


@pytest.mark.parametrize(
    ("url", "forwarded", "address"),
    [
        ("https://app.example.net/api/videos", None, "https://app.example.net/api/s/x"),
        ("http://app.example.net/api/videos", None, "https://app.example.net/api/s/x"),
        ("https://app.example.net/api/videos", "clips.example.org", "https://clips.example.org/api/s/x"),
        ("http://app.example.net/api", "clips.example.org:8443", "https://clips.example.org:8443/api/s/x"),
        ("http://localhost:7071/api/videos?limit=1", None, "http://localhost:7071/api/s/x"),
        ("http://127.0.0.1:8081/api/videos", "evil.example.org", "http://127.0.0.1:8081/api/s/x"),
        ("http://[::1]:7071/api/videos", None, "http://[::1]:7071/api/s/x"),
        ("https://[2001:db8::1]/api/videos", None, "https://[2001:db8::1]/api/s/x"),
        ("http://clips_app:8080/api/videos", None, "https://clips_app:8080/api/s/x"),
    ],
)  # fmt: skip
def test_address_is_on_the_host_that_was_called(
    url: str, forwarded: str | None, address: str
) -> None:
    assert urls.absolute(request(url, forwarded), "/api/s/x", None) == address


@pytest.mark.parametrize(
    "forwarded",
    [
        "",
        "a.example.org, b.example.org",
        "evil.example.org/path?",
        "user@evil.example.org",
        "evil.example.org\r\nX: y",
        'evil.example.org>; rel="prev"',
        "evil.example.org#",
        "..",
        "éxample.org",
        "example.org:port",
    ],
)
def test_forwarded_header_without_a_host_is_ignored(forwarded: str) -> None:
    address = urls.absolute(
        request("https://app.example.net/api/videos", forwarded), "/api/s/x", None
    )
    assert address == "https://app.example.net/api/s/x"


@pytest.mark.parametrize(
    "host",
    [
        "",
        "[",
        "[::1",
        "a]b",
        "[zz]",
        "a b",
        "a\tb",
        "user@app.example.net",
        "app.example.net:port",
        "app.example.net:123456",
        'app.example.net>; rel="prev"',
        "éxample.org",
        "app.example.net/api/videos?",
    ],
)
def test_request_without_a_valid_host_is_malformed(host: str) -> None:
    """The last one is a valid URL: only the header shows that it is malformed."""
    url = f"http://{host}/api/clips?limit=1"
    asked = func.HttpRequest(method="GET", url=url, headers={"Host": host}, body=b"")
    with pytest.raises(InvalidRequest) as caught:
        urls.absolute(asked, "/api/s/x", None)
    assert [field.parameter for field in caught.value.fields] == ["Host"]
    with pytest.raises(InvalidRequest, match="Host"):
        urls.with_query(asked, {"cursor": "x"}, None)
    with pytest.raises(InvalidRequest, match="Host"):
        urls.path_of(asked)


def test_changed_query_keeps_the_other_parameters() -> None:
    asked = request(
        "https://app.example.net/api/videos?limit=2&cursor=a%20b", limit="2", cursor="a b"
    )
    assert urls.with_query(asked, {"cursor": "ž&x"}, None) == (
        "https://app.example.net/api/videos?limit=2&cursor=%C5%BE%26x"
    )


PUBLIC = ["https://clips.example.com", "https://api.example.com/cliplink", "http://localhost:8080"]


@pytest.mark.parametrize("public_url", PUBLIC)
@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("https://func.azurewebsites.net/api/videos", {}),
        ("https://func.azurewebsites.net/api/videos", {"X-Forwarded-Host": "evil.example.org"}),
        ("https://func.azurewebsites.net/api/videos", {"X-Original-Host": "gw.example.org"}),
        ("http://10.0.0.4:8080/api/videos", {"Forwarded": "host=evil.example.org"}),
        ("http://localhost:7071/api/videos", {}),
    ],
)
def test_public_url_is_in_every_url_with_any_headers(
    public_url: str, url: str, headers: dict[str, str]
) -> None:
    asked = AnonymousRequest(
        cast("Services", None),
        func.HttpRequest("GET", url, headers=headers, params={"limit": "1"}, body=b""),
        public_url,
    )
    assert asked.url_of("/api/s/x") == f"{public_url}/api/s/x"
    assert asked.location_of("/api/clips/1") == f"{public_url}/api/clips/1"
    _, headers = asked.page([1.0, 2.0], 1, lambda start: (start, UUID(int=1)))
    assert headers["Link"].startswith(f"<{public_url}/api/videos?limit=1&cursor=")


def test_location_is_relative_without_a_public_url() -> None:
    asked = AnonymousRequest(cast("Services", None), request("https://app.example.net/api"), None)
    assert asked.location_of("/api/clips/1") == "/api/clips/1"


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.4", "203.0.113.4"),
        ("203.0.113.4:51234", "203.0.113.4"),
        ("203.0.113.4:51234, 10.0.0.4:80", "203.0.113.4"),
        ("[2001:db8::1]:51234", "2001:db8::1"),
        ("2001:db8::1, 10.0.0.4", "2001:db8::1"),
        ("", ""),
        (None, ""),
    ],
)
def test_client_is_the_first_forwarded_address_without_its_port(
    forwarded: str | None, address: str
) -> None:
    headers = {"User-Agent": "curl/8"}
    if forwarded is not None:
        headers["X-Forwarded-For"] = forwarded
    asked = func.HttpRequest("GET", "https://app.example.net/", headers=headers, body=b"")
    client = AnonymousRequest(cast("Services", None), asked, None).client
    assert client == Client(address, "curl/8")
