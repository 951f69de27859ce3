"""Who gets which link: upload, play, look at the poster.

A link is minted only for whoever the catalogue shows the clip to, and opens one blob.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath
from uuid import UUID

from clips.deletion import UPLOAD_LIFE
from clips.lookup import find_ready
from clips.storyboards import Storyboards
from shared.blob_names import Containers
from shared.catalogue import Clips
from shared.errors import NotFound, WrongState
from shared.model import Clip, SignedLink, Upload, Variant
from shared.storage import Links, LinkTerms

_IMAGE_LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTerms:
    """What the caller asks of a link; `download` is a file name, or "" for the clip's own."""

    life: timedelta
    ip: str | None
    download: str | None
    variant: Variant


class Access:
    def __init__(
        self, clips: Clips, containers: Containers, links: Links, storyboards: Storyboards
    ) -> None:
        self._clips = clips
        self._containers = containers
        self._links = links
        self._storyboards = storyboards

    def link(self, user_id: UUID, clip_id: UUID, terms: AccessTerms) -> SignedLink:
        """Raises NotFound, WrongState if the clip is not ready, StorageUnavailable."""
        clip, blob_name = find_ready(self._clips, user_id, clip_id)
        match terms.variant:
            case Variant.CLIP:
                return self._link_to_clip(clip, blob_name, terms)
            case Variant.STORYBOARD:
                return self._storyboards.link(clip, terms.life, terms.ip)
            case Variant.POSTER:
                return self._link_to_image(clip, clip.images.poster_name, terms)
            case Variant.PREVIEW:
                return self._link_to_image(clip, clip.images.preview_name, terms)

    def thumbnail(self, clip: Clip) -> str | None:
        """A link to a clip's poster that can be put into a page."""
        if clip.images.poster_name is None:
            return None
        return self._links.to_read(
            self._containers.thumbnails, clip.images.poster_name, _IMAGE_LIFE
        ).url

    def upload(self, clip: Clip) -> Upload:
        """How to send the bytes of a new clip; the link can create this one blob only."""
        if clip.blob_name is None:
            raise WrongState("The clip has no place in storage.")
        link = self._links.to_upload(self._containers.clips, clip.blob_name, UPLOAD_LIFE)
        headers = {"x-ms-blob-type": "BlockBlob"}
        if clip.content_type is not None:
            headers["x-ms-blob-content-type"] = clip.content_type
        return Upload("PUT", link.url, headers, link.expires_at)

    def _link_to_image(self, clip: Clip, name: str | None, terms: AccessTerms) -> SignedLink:
        if name is None:
            raise NotFound(f"The clip has no {terms.variant}.")
        bound = LinkTerms(ip=terms.ip, download_as=_file_name(clip, name, terms))
        return self._links.to_read(self._containers.thumbnails, name, terms.life, bound)

    def _link_to_clip(self, clip: Clip, blob_name: str, terms: AccessTerms) -> SignedLink:
        # Whatever type an uploader gave the blob: nothing is served that a browser would run.
        content_type = clip.content_type or "application/octet-stream"
        bound = LinkTerms(
            ip=terms.ip,
            download_as=_file_name(clip, blob_name, terms),
            content_type=content_type,
        )
        return self._links.to_read(self._containers.clips, blob_name, terms.life, bound)


def _file_name(clip: Clip, blob_name: str, terms: AccessTerms) -> str | None:
    """The name to save a download under: the one asked for, or the clip's title."""
    if terms.download == "":
        return f"{clip.title or clip.id}{PurePosixPath(blob_name).suffix}"
    return terms.download
