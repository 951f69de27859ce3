"""Checks that two services give the same answers, with links that open."""

import http.client
import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from local.ports import LOOPBACK

_LINKS = ("access_url", "thumbnail_access_url")
_TRIED = 5  # links of an answer that are opened
_EXPIRY = timedelta(hours=24)
_LONGEST_WINDOW = timedelta(hours=1)


def assert_alike(method: str, path: str, body: str, token: str, ports: tuple[int, int]) -> None:
    """Raises AssertionError if the answers differ in more than signatures and expiry times."""
    cliplink, usual = (_answer(port, method, path, body, token) for port in ports)
    for answer in (cliplink, usual):
        for link in list(_take_links(answer))[:_TRIED]:
            with urllib.request.urlopen(link) as opened:
                assert opened.status == http.client.OK
    assert cliplink == usual, f"{method} {path} is answered differently"


def _answer(port: int, method: str, path: str, body: str, token: str) -> list[dict[str, Any]]:
    """The parsed answer; an answer that is not an array becomes an array of one."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request(method, path, body or None, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert answer.status == http.client.OK, content
    answered = json.loads(content)
    return answered if isinstance(answered, list) else [answered]


def _take_links(answer: list[dict[str, Any]]) -> Iterator[str]:
    """Yields the links of an answer; removes their signatures and expiry times from the answer."""
    for part in answer:
        for name in _LINKS:
            if part.get(name):
                yield part[name]
                part[name] = part[name].partition("?")[0]
        if "access_url" in part:
            left = datetime.fromisoformat(part.pop("expires_at")) - datetime.now(UTC)
            assert _EXPIRY - timedelta(minutes=1) < left < _EXPIRY + _LONGEST_WINDOW
