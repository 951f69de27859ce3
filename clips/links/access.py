"""Links for callers: to upload a clip, to play it, to show its images.

A link is made only for callers who may see the clip. It opens one blob, and is recorded before
the caller gets it.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from clips.links.archive import Archive
from clips.links.download_names import clip_file_name, download_name
from clips.links.storyboards import Storyboards
from shared.blob_names.containers import Containers
from shared.catalogue.library.clip_queries import Clips
from shared.catalogue.links.grant_queries import Grant, Grants
from shared.catalogue.row_mapping import TimeKey
from shared.errors import BlobArchived, CliplinkError, NotFound, Unavailable, WrongState
from shared.model.blob import RehydratePriority, Rehydration
from shared.model.clip import (
    COPY_TYPE,
    UPLOAD_LIFE,
    Clip,
    ClipFile,
    Upload,
    playable_copy,
    ready_blob,
)
from shared.model.link import AccessTerms, RecordedGrant, SignedLink, Variant
from shared.model.user import Viewer
from shared.refusals import no_such_clip
from shared.storage.signing.signed_links import Links, LinkTerms

# Pages with posters are left open and reloaded often: links to posters live long, and stay the
# same for half a day.
_POSTER_LIFE = timedelta(hours=24)
_POSTER_WINDOW = timedelta(hours=12)


class Access:
    def __init__(
        self,
        clips: Clips,
        grants: Grants,
        containers: Containers,
        links: Links,
        storyboards: Storyboards,
        archive: Archive,
    ) -> None:
        self._clips = clips
        self._grants = grants
        self._containers = containers
        self._links = links
        self._storyboards = storyboards
        self._archive = archive

    def link(
        self, viewer: Viewer, clip_id: UUID, terms: AccessTerms, rehydrate: RehydratePriority
    ) -> SignedLink | Rehydration:
        """A link, or how long to wait until the clip is back from the archive.

        Raises NotFound, WrongState if the clip is not ready, StorageUnavailable.
        """
        file = self._clips.file(viewer, clip_id)
        if file is None:
            raise no_such_clip()
        if _opens_the_clip(file, terms):
            waiting = self._archive.state(ready_blob(file), rehydrate)
            if waiting is not None:
                return waiting
        link = self._mint(viewer, file, terms)
        self._grants.record(viewer.user_id, [Grant(link, clip_id, terms.variant, terms.ip)])
        return link

    def many(
        self, viewer: Viewer, clip_ids: Sequence[UUID], terms: AccessTerms
    ) -> Sequence[SignedLink | CliplinkError]:
        """A link for each of the clips, in their order, or why there is none.

        Whether a clip is archived is taken from the last cleanup, because asking storage takes one
        request for each. Raises StorageUnavailable.
        """
        files = self._clips.files(viewer, clip_ids)
        answers = [self._attempt(viewer, files.get(clip_id), terms) for clip_id in clip_ids]
        self._grants.record(
            viewer.user_id,
            [
                Grant(answer, clip_id, terms.variant, terms.ip)
                for clip_id, answer in zip(clip_ids, answers, strict=True)
                if isinstance(answer, SignedLink)
            ],
        )
        return answers

    def posters(self, viewer: Viewer, clips: Sequence[Clip]) -> Sequence[str | None]:
        """For each clip the URL of its poster for an `<img>`, or None if it has no poster."""
        container = self._containers.thumbnails
        links = [
            clip.images.poster_name
            and self._links.to_read(
                container, clip.images.poster_name, _POSTER_LIFE, window=_POSTER_WINDOW
            )
            for clip in clips
        ]
        self._grants.record(
            viewer.user_id,
            [
                Grant(link, clip.id, Variant.POSTER, None)
                for clip, link in zip(clips, links, strict=True)
                if link
            ],
        )
        return [link.url if link else None for link in links]

    def upload(self, viewer: Viewer, clip: Clip) -> Upload:
        """How to send the bytes of a new clip; the link can write this one blob only."""
        if clip.blob_name is None:
            raise WrongState("The clip has no name in storage.")
        container = self._containers.clips
        return self.upload_to(viewer, container, clip.blob_name, clip.id, clip.content_type)

    def upload_to(
        self, viewer: Viewer, container: str, name: str, owner_id: UUID, content_type: str | None
    ) -> Upload:
        """How to send the bytes of a blob that belongs to a clip or a video, `owner_id`."""
        link = self._links.to_upload(container, name, UPLOAD_LIFE)
        self._grants.record(viewer.user_id, [Grant(link, owner_id, "upload", None)])
        headers = {"x-ms-blob-type": "BlockBlob"}
        if content_type is not None:
            headers["x-ms-blob-content-type"] = content_type
        return Upload("PUT", link.url, headers, link.expires_at)

    def grants(
        self, viewer: Viewer, clip_id: UUID, limit: int, after: TimeKey | None
    ) -> Sequence[RecordedGrant]:
        """Up to `limit` links to a clip that were handed out, newest first; raises NotFound."""
        grants = self._grants.page(viewer, clip_id, limit, after)
        if not grants and self._clips.get(viewer, clip_id) is None:
            raise no_such_clip()
        return grants

    def _attempt(
        self, viewer: Viewer, file: ClipFile | None, terms: AccessTerms
    ) -> SignedLink | CliplinkError:
        if file is None:
            return no_such_clip()
        if file.archived and _opens_the_clip(file, terms):
            return BlobArchived(
                "The clip is archived. To restore it, call access-url for this clip."
            )
        try:
            return self._mint(viewer, file, terms)
        except Unavailable:
            raise
        except CliplinkError as error:
            return error

    def _mint(self, viewer: Viewer, file: ClipFile, terms: AccessTerms) -> SignedLink:
        blob_name = ready_blob(file)
        match terms.variant:
            case Variant.CLIP:
                return self._link_to_clip(file, blob_name, terms)
            case Variant.STORYBOARD:
                return self._storyboards.link(viewer, file, terms.life, terms.ip)
            case Variant.POSTER:
                return self._link_to_image(file, file.images.poster_name, terms)
            case Variant.PLAY:
                return self._link_to_playable(file, blob_name, terms)
            case Variant.PREVIEW:
                return self._link_to_image(file, file.images.preview_name, terms)

    def _link_to_image(self, file: ClipFile, name: str | None, terms: AccessTerms) -> SignedLink:
        if name is None:
            raise NotFound(f"The clip has no {terms.variant}.")
        bound = LinkTerms(ip=terms.ip, download_as=_file_name(file, name, terms))
        return self._links.to_read(self._containers.thumbnails, name, terms.life, bound)

    def _link_to_playable(self, file: ClipFile, blob_name: str, terms: AccessTerms) -> SignedLink:
        """The clip itself where every browser plays it, else its copy; raises WrongState."""
        if file.plays_everywhere:
            return self._link_to_clip(file, blob_name, terms)
        name = playable_copy(file)
        bound = LinkTerms(
            ip=terms.ip, download_as=_file_name(file, name, terms), content_type=COPY_TYPE
        )
        return self._links.to_read(self._containers.thumbnails, name, terms.life, bound)

    def _link_to_clip(self, file: ClipFile, blob_name: str, terms: AccessTerms) -> SignedLink:
        bound = LinkTerms(
            ip=terms.ip,
            download_as=_file_name(file, blob_name, terms),
            content_type=file.served_as,
        )
        return self._links.to_read(self._containers.clips, blob_name, terms.life, bound)


def _file_name(file: ClipFile, blob_name: str, terms: AccessTerms) -> str | None:
    """The name to save a download under: the one asked for, or the clip's title."""
    if terms.download is None:
        return None
    if terms.download == "":
        return clip_file_name(file, blob_name)
    return download_name(terms.download)


def _opens_the_clip(file: ClipFile, terms: AccessTerms) -> bool:
    """Whether the link is to the bytes of the clip, not to an image or a copy."""
    plays = terms.variant is Variant.PLAY and file.plays_everywhere
    return terms.variant is Variant.CLIP or plays
