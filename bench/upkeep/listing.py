"""A made-up listing with the blobs of every row, page by page, in place of storage."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import cast

from shared.model.blob import Blob
from shared.storage.listed_page import ListedPage
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.blobs import Blobs

ETAG = "0x8DE000000000000"
SIZE = 6_553_600
CLIPS_OF_A_VIDEO = 1000
# Besides its sizes in two formats, a clip has a poster, a preview and a storyboard of two blobs.
WIDTHS = (160, 320, 640, 1280)
_PAGE = 5000
_OLD = datetime(2026, 1, 1, tzinfo=UTC)
_IMAGES = sorted(
    [
        "poster.jpg",
        "preview.webp",
        "storyboard.jpg",
        "storyboard.vtt",
        *(f"poster-{width}.{extension}" for width in WIDTHS for extension in ("jpg", "webp")),
    ]
)


class MadeUpBlobs(Blobs):
    """Lists the blobs of `clips` clips by name; `measure.py` adds the rows."""

    def __init__(self, account: StorageAccount, clips: int) -> None:
        super().__init__(account)
        self._clips = clips
        self.listed = 0

    def page(
        self,
        container: str,
        marker: str | None,
        *,
        metadata: bool = True,  # noqa: ARG002 - the signature of Blobs.page
    ) -> ListedPage:
        start = int(marker or 0)
        of_clip = self._names_of(container)
        if not of_clip:
            return cast("ListedPage", _MadeUpPage([], None))
        stop = min(self._clips, start + max(1, _PAGE // len(of_clip)))
        stems = (stem(number) for number in range(start, stop))
        names = [f"{begin}{ending}" for begin in stems for ending in of_clip]
        self.listed += len(names)
        following = None if stop == self._clips else str(stop)
        return cast("ListedPage", _MadeUpPage(names, following))

    def pages(
        self,
        container: str,
        prefix: str = "",
        *,
        metadata: bool = False,
    ) -> Iterator[list[Blob]]:
        marker = None
        while True:
            page = self.page(container, marker, metadata=metadata)
            yield [blob for blob in page.blobs if blob.name.startswith(prefix)]
            marker = page.marker
            if marker is None:
                return

    def _names_of(self, container: str) -> Sequence[str]:
        if container.endswith("-clips"):
            return (".mp4",)
        return [f"/{name}" for name in _IMAGES] if container.endswith("-thumbnails") else ()


def stem(number: int) -> str:
    """The ids of the video and the clip of a number; they sort like the numbers."""
    return f"{_id(number // CLIPS_OF_A_VIDEO + 1)}/{_id(number + 1)}"


def _id(number: int) -> str:
    """The text of UUID(int=number), in a fifth of the time."""
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class _MadeUpPage:
    """Makes only the names, and blobs when they are asked for."""

    def __init__(self, names: list[str], marker: str | None) -> None:
        self.names = names
        self.marker = marker

    @property
    def blobs(self) -> list[Blob]:
        return cast("list[Blob]", [_MadeUpBlob(name) for name in self.names])


class _MadeUpBlob:
    """A Blob that differs from others only in its name; made in a tenth of the time of a Blob."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


_SAME = Blob(
    name="",
    etag=ETAG,
    size=SIZE,
    last_modified=_OLD,
    content_type="video/mp4",
    content_md5=None,
    access_tier="Hot",
    metadata={},
)
for attribute in ({field.name for field in fields(Blob)} | {"archived"}) - {"name"}:
    setattr(_MadeUpBlob, attribute, getattr(_SAME, attribute))


def listing_page(names: Sequence[str]) -> bytes:
    """A page of a listing as Azure sends it."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="c"><Blobs>'
        + "".join(f"<Blob><Name>{name}</Name>{_PROPERTIES}</Blob>" for name in names)
        + "</Blobs><NextMarker /></EnumerationResults>"
    ).encode()


_PROPERTIES = (
    "<Properties><Creation-Time>Fri, 27 Nov 2026 03:00:00 GMT</Creation-Time><Last-Modified>Fri, "
    "27 Nov 2026 03:00:00 GMT</Last-Modified><Etag>0x8DE000000000000</Etag><Content-Length>6553600"
    "</Content-Length><Content-Type>image/jpeg</Content-Type><Content-Encoding /><Content-Language "
    "/><Content-CRC64 /><Content-MD5>XrY7u+Ae7tCTyyK7j1rNww==</Content-MD5><Cache-Control>private, "
    "max-age=3600</Cache-Control><Content-Disposition /><BlobType>BlockBlob</BlobType><AccessTier>"
    "Hot</AccessTier><AccessTierInferred>true</AccessTierInferred><LeaseStatus>unlocked"
    "</LeaseStatus><LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted>"
    "</Properties><OrMetadata />"
)
