"""A listing of as many blobs as there are rows, made up page by page at the storage interface."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import cast
from uuid import UUID

from shared.model import Blob
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
    """Of `clips` clips in the order of their names; `measure.py` makes their rows."""

    def __init__(self, account: StorageAccount, clips: int) -> None:
        super().__init__(account)
        self._clips = clips
        self.listed = 0

    def page(self, container: str, marker: str | None) -> tuple[list[Blob], str | None]:
        start = int(marker or 0)
        of_clip = self._names_of(container)
        if not of_clip:
            return [], None
        stop = min(self._clips, start + max(1, _PAGE // len(of_clip)))
        stems = (stem(number) for number in range(start, stop))
        blobs = [_MadeUp(f"{begin}{ending}") for begin in stems for ending in of_clip]
        self.listed += len(blobs)
        return cast("list[Blob]", blobs), None if stop == self._clips else str(stop)

    def pages(
        self,
        container: str,
        prefix: str = "",
        *,
        metadata: bool = False,  # noqa: ARG002 - as of the real one
    ) -> Iterator[list[Blob]]:
        marker = None
        while True:
            blobs, marker = self.page(container, marker)
            yield [blob for blob in blobs if blob.name.startswith(prefix)] if prefix else blobs
            if marker is None:
                return

    def _names_of(self, container: str) -> Sequence[str]:
        if container.endswith("-clips"):
            return (".mp4",)
        return [f"/{name}" for name in _IMAGES] if container.endswith("-thumbnails") else ()


def stem(number: int) -> str:
    """Video and clip of a number; the names are in the order of the numbers."""
    return f"{UUID(int=number // CLIPS_OF_A_VIDEO + 1)}/{UUID(int=number + 1)}"


class _MadeUp:
    """A Blob of which only the name differs from others: made in a tenth of the time of one."""

    __slots__ = ("name",)
    etag = ETAG
    size = SIZE
    last_modified = _OLD
    content_type = "video/mp4"
    content_md5 = None
    access_tier = "Hot"
    archived = False
    metadata: Mapping[str, str] = MappingProxyType({})
    rehydrating = None

    def __init__(self, name: str) -> None:
        self.name = name
