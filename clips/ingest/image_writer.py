"""The images of a clip, written into the thumbnails container under their names.

An image that exists already is replaced if it comes from a run that died, and kept if it comes from
a run for a newer version of the clip.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from shared import blob_names
from shared.blob_names.containers import Containers
from shared.catalogue.ingest.claims import Claim, Standing
from shared.errors import BlobExists
from shared.model.clip import Images
from shared.model.storyboard import webvtt
from shared.storage.sdk.blobs import Blobs
from shared.telemetry import with_current_context

if TYPE_CHECKING:
    from shared.media import Stills

# Each is a small request that mostly waits.
_AT_ONCE = 4


class Claims(Protocol):
    def standing(self, claim: Claim) -> Standing:
        """Whether the claim is still valid, or the reason why it is not."""


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    data: bytes
    content_type: str


class ClaimLost(Exception):
    """The claim is no longer valid: another run wrote, or is writing, the images."""


class ImageWriter:
    def __init__(self, blobs: Blobs, containers: Containers, landings: Claims) -> None:
        self._blobs = blobs
        self._container = containers.thumbnails
        self._landings = landings

    def remove(self, video_id: UUID, clip_id: UUID) -> None:
        """Removes all images that were made from a clip; its sidecar stays."""
        prefix = blob_names.derived_prefix(video_id, clip_id)
        self._blobs.delete_prefix(self._container, prefix, keep=blob_names.is_sidecar)

    def remove_if_deleted(self, claim: Claim) -> None:
        """Removes the images of a clip that was deleted while they were written, and no others.

        Only versions that existed while the clip was deleted are removed: if it has been
        restored, the images of its next run stay.
        """
        prefix = blob_names.derived_prefix(claim.video_id, claim.clip_id)
        images = [
            blob
            for page in self._blobs.pages(self._container, prefix)
            for blob in page
            if not blob_names.is_sidecar(blob.name)
        ]
        if images and self._landings.standing(claim) is Standing.DELETED:
            for image in images:
                self._blobs.delete_version(self._container, image)

    def write(self, claim: Claim, stills: "Stills") -> Images:
        """Writes all stills of the claimed version and returns their names.

        Raises ClaimLost if the claim is no longer valid, StorageUnavailable.
        """
        files = _files(claim, stills)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            writes = [with_current_context(self._write) for _ in files]
            list(pool.map(lambda write, file: write(claim, file), writes, files))
        names = {file.name for file in files}

        def written(name: str) -> str | None:
            return name if name in names else None

        return Images(
            poster_name=written(blob_names.poster(claim.video_id, claim.clip_id)),
            poster_widths=tuple(sorted({picture.width for picture in stills.posters})),
            storyboard_name=written(blob_names.storyboard_cues(claim.video_id, claim.clip_id)),
            preview_name=written(blob_names.preview(claim.video_id, claim.clip_id)),
            placeholder=stills.placeholder,
        )

    def _write(self, claim: Claim, file: _File) -> None:
        try:
            self._put(file, replace=False)
        except BlobExists:
            if self._landings.standing(claim) is not Standing.VALID:
                raise ClaimLost from None
            self._put(file, replace=True)

    def _put(self, file: _File, *, replace: bool) -> None:
        self._blobs.put(self._container, file.name, file.data, file.content_type, replace=replace)


def _files(claim: Claim, stills: "Stills") -> list[_File]:
    clip = (claim.video_id, claim.clip_id)
    files = [
        _File(
            blob_names.poster_size(*clip, picture.width, picture.format),
            picture.data,
            picture.content_type,
        )
        for picture in stills.posters
    ]
    poster, preview = stills.poster, stills.preview
    if poster is not None:
        files.append(_File(blob_names.poster(*clip), poster.data, poster.content_type))
    if stills.storyboard is not None and stills.sheet is not None:
        sheet = stills.sheet
        files.append(_File(blob_names.storyboard_sheet(*clip), sheet.data, sheet.content_type))
        cues = webvtt(stills.storyboard, blob_names.STORYBOARD_SHEET).encode()
        files.append(_File(blob_names.storyboard_cues(*clip), cues, "text/vtt"))
    if preview is not None:
        files.append(_File(blob_names.preview(*clip), preview.data, preview.content_type))
    return files
