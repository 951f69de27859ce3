"""Links open only their blob, in their time; real requests to storage prove it."""

import base64
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from email.message import Message
from pathlib import Path

import pytest

from shared.model.clip import UPLOAD_LIFE
from shared.storage.signing.signed_links import LinkTerms
from tests.integration.library import Library
from tests.integration.storage import said, send
from tests.integration.stores import UPLOAD, Store

HOUR = timedelta(hours=1)


# --- Links to upload


def test_upload_link_of_a_clip_takes_its_bytes_in_one_request(library: Library) -> None:
    clip = library.announce()
    assert clip.blob_name is not None
    upload = library.services.access.upload(library.viewer, clip)
    assert upload.method == "PUT"
    assert upload.headers == UPLOAD
    assert upload.expires_at == library.services.clock().replace(microsecond=0) + UPLOAD_LIFE
    assert send(upload.method, upload.url, b"first", upload.headers).status == 201
    assert send(upload.method, upload.url, b"second", upload.headers).status == 201
    assert library.read("clips", clip.blob_name) == b"second"
    blob = library.services.blobs.get(library.containers.clips, clip.blob_name)
    assert blob.content_type == "video/mp4"


def test_upload_link_of_a_clip_takes_its_bytes_in_blocks(library: Library) -> None:
    clip = library.announce()
    assert clip.blob_name is not None
    upload = library.services.access.upload(library.viewer, clip)
    _send_in_blocks(upload.url, [b"first ", b"second"], upload.headers)
    assert library.read("clips", clip.blob_name) == b"first second"
    blob = library.services.blobs.get(library.containers.clips, clip.blob_name)
    assert blob.content_type == "video/mp4"


def test_upload_link_works_with_any_credentials(any_store: Store) -> None:
    link = any_store.links.to_upload(any_store.container, "v/a.mp4", HOUR)
    assert send("PUT", link.url, b"one", UPLOAD, any_store.authority).status == 201
    _send_in_blocks(link.url, [b"two", b" three"], UPLOAD, any_store.authority)
    assert any_store.read("v/a.mp4") == b"two three"


def test_upload_link_does_nothing_else(any_store: Store) -> None:
    any_store.put("v/a.mp4", b"mine")
    any_store.put("v/b.mp4", b"theirs")
    link = any_store.links.to_upload(any_store.container, "v/a.mp4", HOUR)
    other = link.url.replace("v/a.mp4", "v/b.mp4")
    new = link.url.replace("v/a.mp4", "v/c.mp4")
    container = f"{link.url.replace('/v/a.mp4', '')}&restype=container"
    refused = {
        "read": any_store.send("GET", link.url),
        "look": any_store.send("HEAD", link.url),
        "delete": any_store.send("DELETE", link.url),
        "list": any_store.send("GET", f"{container}&comp=list"),
        "drop": any_store.send("DELETE", container),
        "read another": any_store.send("GET", other),
        "overwrite another": send("PUT", other, b"x", UPLOAD, any_store.authority),
        "create another": send("PUT", new, b"x", UPLOAD, any_store.authority),
        "delete another": any_store.send("DELETE", other),
    }
    assert {what: answer.status for what, answer in refused.items()} == dict.fromkeys(refused, 403)
    assert any_store.read("v/a.mp4") == b"mine"
    assert any_store.read("v/b.mp4") == b"theirs"
    assert any_store.names() == ["v/a.mp4", "v/b.mp4"]


def test_no_part_of_an_upload_link_can_be_changed(plain_store: Store) -> None:
    plain_store.put("a", b"mine")
    url = plain_store.links.to_upload(plain_store.container, "a", HOUR).url
    later = url.replace(f"se={said(url, 'se')[:4]}", "se=2999")
    assert later != url
    for changed in (url.replace("sp=cw", "sp=rcwd"), later, url.replace("sr=b", "sr=c"), url[:-4]):
        assert plain_store.send("GET", changed).status == 403
        assert send("PUT", changed, b"x", UPLOAD).status == 403
    assert plain_store.read("a") == b"mine"


@pytest.mark.parametrize("hours", [-3, +3], ids=["after its end", "before its start"])
def test_upload_link_works_in_its_time_only(any_store: Store, hours: int) -> None:
    links = any_store.at(hours=hours)
    link = links.to_upload(any_store.container, "a.mp4", timedelta(hours=2))
    assert send("PUT", link.url, b"x", UPLOAD, any_store.authority).status == 403
    assert any_store.names() == []


# --- Links to read


def test_read_link_serves_the_whole_blob_and_ranges(any_store: Store) -> None:
    any_store.put("v/a.mp4", b"0123456789")
    link = any_store.links.to_read(any_store.container, "v/a.mp4", HOUR)
    whole = any_store.send("GET", link.url)
    assert (whole.status, whole.body) == (200, b"0123456789")
    part = any_store.send("GET", link.url, Range="bytes=2-5")
    assert (part.status, part.body) == (206, b"2345")
    assert part.headers["Content-Range"] == "bytes 2-5/10"


def test_read_link_does_nothing_else(any_store: Store) -> None:
    any_store.put("v/a.mp4", b"mine")
    any_store.put("v/b.mp4", b"theirs")
    link = any_store.links.to_read(any_store.container, "v/a.mp4", HOUR)
    other = link.url.replace("v/a.mp4", "v/b.mp4")
    container = f"{link.url.replace('/v/a.mp4', '')}&restype=container"
    block = f"{link.url}&comp=block&blockid=MQ%3D%3D"
    refused = {
        "overwrite": send("PUT", link.url, b"x", UPLOAD, any_store.authority),
        "add a block": send("PUT", block, b"x", UPLOAD, any_store.authority),
        "change": any_store.send("PUT", f"{link.url}&comp=metadata", b"", x_ms_meta_a="b"),
        "delete": any_store.send("DELETE", link.url),
        "list": any_store.send("GET", f"{container}&comp=list"),
        "read another": any_store.send("GET", other),
    }
    assert {what: answer.status for what, answer in refused.items()} == dict.fromkeys(refused, 403)
    assert any_store.read("v/a.mp4") == b"mine"


@pytest.mark.parametrize("hours", [-3, +3], ids=["after its end", "before its start"])
def test_read_link_works_in_its_time_only(any_store: Store, hours: int) -> None:
    any_store.put("a.mp4")
    link = any_store.at(hours=hours).to_read(any_store.container, "a.mp4", timedelta(hours=2))
    assert any_store.send("GET", link.url).status == 403


def test_blob_is_refused_without_a_link(any_store: Store) -> None:
    any_store.put("a.mp4")
    url = any_store.account.url(any_store.container, "a.mp4")
    assert any_store.send("GET", url).status in {401, 403, 404}
    assert any_store.send(
        "GET", f"{url.rpartition('/')[0]}?restype=container&comp=list"
    ).status in {
        401,
        403,
        404,
    }


def test_address_that_a_link_is_bound_to_is_signed(any_store: Store) -> None:
    """The emulator does not check the address, but it cannot be changed or removed."""
    any_store.put("a.mp4")
    terms = LinkTerms(ip="127.0.0.1-127.0.0.9")
    url = any_store.links.to_read(any_store.container, "a.mp4", HOUR, terms).url
    assert any_store.send("GET", url).status == 200
    bound = "&sip=127.0.0.1-127.0.0.9"
    assert bound in url
    for other in ("", "&sip=203.0.113.4", "&sip=0.0.0.0-255.255.255.255"):
        assert any_store.send("GET", url.replace(bound, other)).status == 403


@pytest.mark.parametrize(
    "name",
    [
        "goal.mp4",
        "Žofie & 日本語.mp4",
        'it\'s; 100% "good"\\.mp4',
        "a\r\nSet-Cookie: x=1.mp4",
        "🎬",
    ],
)
def test_download_is_saved_under_the_requested_name(any_store: Store, name: str) -> None:
    any_store.put("a.mp4", b"here")
    terms = LinkTerms(download_as=name, content_type="video/webm")
    link = any_store.links.to_read(any_store.container, "a.mp4", HOUR, terms)
    answer = any_store.send("GET", link.url)
    assert (answer.status, answer.body) == (200, b"here")
    assert answer.headers["Content-Type"] == "video/webm"
    assert "Set-Cookie" not in answer.headers
    message = Message()
    message["Content-Disposition"] = answer.headers["Content-Disposition"]
    assert message.get_content_disposition() == "attachment"
    _, extended = answer.headers["Content-Disposition"].split("filename*=")
    parsed = Message()
    parsed["Content-Disposition"] = f"attachment; filename*={extended}"
    assert parsed.get_filename() == name


def _send_in_blocks(
    url: str, blocks: Sequence[bytes], headers: Mapping[str, str], authority: Path | None = None
) -> None:
    """Sends Put Block for each, then Put Block List, as tools do with large files.

    x-ms-blob-type is for Put Blob only: the emulator treats every request with it as one.
    """
    headers = {name: value for name, value in headers.items() if name != "x-ms-blob-type"}
    ids = [base64.b64encode(uuid.uuid4().bytes).decode() for _ in blocks]
    for block_id, block in zip(ids, blocks, strict=True):
        quoted = block_id.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        put = send("PUT", f"{url}&comp=block&blockid={quoted}", block, headers, authority)
        assert put.status == 201
    listed = "".join(f"<Latest>{block_id}</Latest>" for block_id in ids)
    body = f"<?xml version='1.0' encoding='utf-8'?><BlockList>{listed}</BlockList>".encode()
    put = send("PUT", f"{url}&comp=blocklist", body, headers, authority)
    assert put.status == 201
