"""The page of the API's OpenAPI document: valid HTML that shows everything and loads nothing."""

import copy
from base64 import b64encode
from collections import Counter
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest

from clips.http.openapi import page as docs_page
from tests.unit.described import describe

_VOID = {"meta", "link", "br"}


class Read(HTMLParser):
    """Parses a page as a browser does; raises if the HTML is not valid."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.texts: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        values = dict(attrs)
        self.attributes |= set(values)
        if values.get("id"):
            self.ids[str(values["id"])] += 1
        if values.get("href"):
            self.links.append(str(values["href"]))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]] = self.texts.get(self._open[-1], "") + data


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return describe().document


@pytest.fixture(scope="module")
def read(document: dict[str, Any]) -> Read:
    return Read(docs_page.page(document))


def test_every_operation_and_object_has_its_place(read: Read, document: dict[str, Any]) -> None:
    operations = {
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    objects = {name for name in document["components"]["schemas"] if not name.endswith("Problem")}
    assert operations | objects <= set(read.ids)


def test_every_path_field_and_code_is_shown(read: Read, document: dict[str, Any]) -> None:
    shown = read.texts["code"]
    for path in document["paths"]:
        assert f"/api{path}" in shown
    for name, schema in document["components"]["schemas"].items():
        if name.endswith("Problem"):
            assert schema["properties"]["code"]["const"] in shown
        for field in schema.get("properties", {}):
            assert field in shown, (name, field)


def test_links_lead_somewhere(read: Read) -> None:
    assert max(read.ids.values()) == 1
    elsewhere = [link for link in read.links if link[1:] not in read.ids]
    assert elsewhere == ["data:,", "openapi.json"]


def test_page_loads_nothing(read: Read) -> None:
    loading = {"script", "img", "iframe", "object", "embed", "video", "audio", "form", "base"}
    assert loading.isdisjoint(read.tags)
    assert read.tags["link"] == 1, "an empty icon, so that none is asked for"
    assert {"src", "srcset", "style", "action"}.isdisjoint(read.attributes)
    assert not any(name.startswith("on") for name in read.attributes)
    assert "url(" not in read.texts["style"]
    assert "@import" not in read.texts["style"]


def test_its_policy_allows_its_style_sheet_and_nothing_else(read: Read) -> None:
    digest = b64encode(sha256(read.texts["style"].encode()).digest()).decode()
    policy = {rule.split()[0]: rule.split()[1:] for rule in docs_page.security_policy().split(";")}
    assert policy.pop("style-src") == [f"'sha256-{digest}'"]
    assert policy.pop("img-src") == ["data:"]
    assert set(policy) == {"default-src", "base-uri", "form-action", "frame-ancestors"}
    assert all(sources == ["'none'"] for sources in policy.values())


def test_texts_are_escaped(document: dict[str, Any]) -> None:
    """Descriptions are trusted, but a `<` in one of them is a `<`."""
    hostile = '"><script>alert(1)</script>`<img src=x>`**<b>**'
    changed = copy.deepcopy(document)
    changed["info"] |= {"title": hostile, "description": hostile}
    for methods in changed["paths"].values():
        for operation in methods.values():
            operation |= {"summary": hostile, "description": hostile}
    for schema in changed["components"]["schemas"].values():
        schema["description"] = hostile
    tags = Read(docs_page.page(changed)).tags
    assert {"script", "img"}.isdisjoint(tags)
