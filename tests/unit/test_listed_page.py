"""Pages of listings as Azure sends them, of which the emulator shows only a part."""

from datetime import UTC, datetime

import pytest

from shared.errors import StorageUnavailable
from shared.model.blob import Blob, RehydratePriority
from shared.storage.listed_page import ListedPage

HEAD = '\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="c"><Blobs>'
TAIL = "</Blobs><NextMarker/></EnumerationResults>"
PROPERTIES = (
    "<Creation-Time>Thu, 01 Jan 2026 00:00:00 GMT</Creation-Time>"
    "<Last-Modified>Fri, 27 Nov 2026 03:04:05 GMT</Last-Modified><Etag>0x8DE</Etag>"
    "<Content-Length>12</Content-Length><Content-Type>video/mp4</Content-Type>"
    "<Content-Encoding/><Content-MD5>XrY7u+Ae7tCTyyK7j1rNww==</Content-MD5>"
    "<BlobType>BlockBlob</BlobType><AccessTier>Hot</AccessTier><LeaseState>available</LeaseState>"
)


def pending(tier: str) -> str:
    status = f"<ArchiveStatus>rehydrate-pending-to-{tier}</ArchiveStatus>"
    return f"<AccessTier>Archive</AccessTier>{status}"


def element(name: str, properties: str = PROPERTIES, rest: str = "") -> str:
    return f"<Blob>{name}<Properties>{properties}</Properties>{rest}</Blob>"


def page(*elements: str, tail: str = TAIL) -> ListedPage:
    return ListedPage((HEAD + "".join(elements) + tail).encode())


def test_every_property_of_a_blob_is_read() -> None:
    metadata = "<Metadata><title>Goal &amp; save</title><Empty/><a1>&#x17D;ofie</a1></Metadata>"
    (blob,) = page(element("<Name>v/a.mp4</Name>", rest=f"{metadata}<OrMetadata/>")).blobs
    assert blob == Blob(
        name="v/a.mp4",
        etag="0x8DE",
        size=12,
        last_modified=datetime(2026, 11, 27, 3, 4, 5, tzinfo=UTC),
        content_type="video/mp4",
        content_md5="XrY7u+Ae7tCTyyK7j1rNww==",
        access_tier="Hot",
        metadata={"title": "Goal & save", "a1": "Žofie"},
    )


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("<Name>v/žofie 🎬.mp4</Name>", "v/žofie 🎬.mp4"),
        ("<Name>v/&lt;a&gt; &amp;amp; &quot;b&quot; &apos;.mp4</Name>", 'v/<a> &amp; "b" \'.mp4'),
        ("<Name>v/a&#xD;b&#10;c.mp4</Name>", "v/a\rb\nc.mp4"),
        ('<Name Encoded="true">v%2Fa%01%EF%BF%BF.mp4</Name>', "v/a\x01\uffff.mp4"),
        ("<Name>v/100%25.mp4</Name>", "v/100%25.mp4"),
    ],
)
def test_odd_names_are_read_as_they_are(sent: str, name: str) -> None:
    listed = page(element("<Name>a</Name>"), element(sent))
    assert listed.names == ["a", name]
    assert [blob.name for blob in listed.blobs] == ["a", name]


@pytest.mark.parametrize(
    ("text", "rehydrating"),
    [
        ("<AccessTier>Archive</AccessTier>", None),
        (
            pending("hot") + "<RehydratePriority>High</RehydratePriority>",
            RehydratePriority.HIGH,
        ),
        (
            pending("cool") + "<RehydratePriority>Standard</RehydratePriority>",
            RehydratePriority.STANDARD,
        ),
    ],
)
def test_archived_blob_says_how_it_is_rehydrated(
    text: str, rehydrating: RehydratePriority | None
) -> None:
    (blob,) = page(
        element("<Name>a</Name>", PROPERTIES.replace("<AccessTier>Hot</AccessTier>", text))
    ).blobs
    assert blob.archived
    assert blob.rehydrating is rehydrating


def test_marker_leads_to_the_next_page() -> None:
    more = "</Blobs><NextMarker>2!92!MDAw&amp;==</NextMarker></EnumerationResults>"
    assert page(element("<Name>a</Name>"), tail=more).marker == "2!92!MDAw&=="
    assert page(element("<Name>a</Name>")).marker is None
    assert page(tail="</Blobs><NextMarker></NextMarker></EnumerationResults>").marker is None


def test_text_in_metadata_is_no_element() -> None:
    rest = "<Metadata><note>&lt;Blob&gt;&lt;Name&gt;b&lt;/Name&gt;</note></Metadata>"
    listed = page(element("<Name>a</Name>", rest=rest))
    assert listed.names == ["a"]
    assert listed.blobs[0].metadata == {"note": "<Blob><Name>b</Name>"}


@pytest.mark.parametrize(
    "body",
    [b"", b"<html><p>Sign in", b'{"error": 1}', (HEAD + element("<Name>a</Name>")).encode()],
    ids=["empty", "sign-in page", "JSON", "cut off"],
)
def test_answer_that_is_not_of_storage_is_an_outage(body: bytes) -> None:
    with pytest.raises(StorageUnavailable):
        ListedPage(body)


@pytest.mark.parametrize("lost", ["Etag", "Content-Length", "Last-Modified"])
def test_blob_without_what_every_blob_has_is_an_outage(lost: str) -> None:
    listed = page(element("<Name>a</Name>", PROPERTIES.replace(lost, "Other")))
    with pytest.raises(StorageUnavailable):
        _ = listed.blobs
