"""Answers tell addresses by which the caller can really come again."""

import azure.functions as func
import pytest

from clips.http import urls
from shared.errors import InvalidRequest


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
def test_an_address_is_on_the_host_that_was_called(
    url: str, forwarded: str | None, address: str
) -> None:
    assert urls.absolute(request(url, forwarded), "/api/s/x") == address


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
def test_a_header_that_holds_no_host_is_not_looked_at(forwarded: str) -> None:
    address = urls.absolute(request("https://app.example.net/api/videos", forwarded), "/api/s/x")
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
def test_a_call_that_names_no_host_is_malformed(host: str) -> None:
    """Of the last one nothing is left in the address that gives it away: the header does."""
    url = f"http://{host}/api/clips?limit=1"
    asked = func.HttpRequest(method="GET", url=url, headers={"Host": host}, body=b"")
    with pytest.raises(InvalidRequest) as caught:
        urls.absolute(asked, "/api/s/x")
    assert [field.parameter for field in caught.value.fields] == ["Host"]
    with pytest.raises(InvalidRequest, match="Host"):
        urls.with_query(asked, {"cursor": "x"})
    with pytest.raises(InvalidRequest, match="Host"):
        urls.path_of(asked)


def test_an_address_with_another_query_keeps_the_rest_of_it() -> None:
    asked = request(
        "https://app.example.net/api/videos?limit=2&cursor=a%20b", limit="2", cursor="a b"
    )
    assert urls.with_query(asked, {"cursor": "ž&x"}) == (
        "https://app.example.net/api/videos?limit=2&cursor=%C5%BE%26x"
    )
