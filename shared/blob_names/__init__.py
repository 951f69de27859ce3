"""The names of containers and blobs: only this package builds or parses them.

<prefix>-clips        {video_id}/{clip_id}{ext}, or {video_id}/{anything}{ext} by other tools
<prefix>-thumbnails   {video_id}/{clip_id}/poster.jpg, poster-320.webp, storyboard.vtt ...,
                      and sidecars: {video_id}/{clip_id}/clip.json, {video_id}/video.json
<prefix>-videos       {video_id}{ext}: the file of a whole video, from which clips are cut
<prefix>-bin          what was deleted, under the same names, until it is restored or purged
<prefix>-temp         anything, with an `expires_at` in its metadata

Queues are <prefix>-migrations, -cuts, -renditions, -deletions and -drift.
"""

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from uuid import UUID

from shared.model.sidecar import SidecarKey, SidecarKind

if TYPE_CHECKING:
    from shared.model.link import ImageFormat

# The length of the part of an image's name that identifies its clip: `{video_id}/{clip_id}`.
KEY_LENGTH = 2 * 36 + 1

# The name of the sheet in the cues of a stored storyboard: the blob beside them.
STORYBOARD_SHEET = "storyboard.jpg"

_EXTENSION = re.compile(r"\.[a-z0-9]{1,8}")


def clip_blob(video_id: UUID, clip_id: UUID, extension: str) -> str:
    """Where a clip's own bytes are uploaded to; `extension` as `extension_of` gives it."""
    return f"{video_id}/{clip_id}{extension}"


def extension_of(filename: str | None) -> str:
    """The extension of a file name in lower case with its dot, or "" if it has no usable one."""
    suffix = PurePosixPath(filename or "").suffix.lower()
    return suffix if _EXTENSION.fullmatch(suffix) else ""


def derived_prefix(video_id: UUID, clip_id: UUID) -> str:
    """The prefix of the names of all images made from a clip."""
    return f"{video_id}/{clip_id}/"


def legacy_thumbnail(video_id: UUID, clip_id: UUID, extension: str) -> str:
    """A thumbnail that was supplied with a clip, as by the old service, not made from it."""
    return f"{video_id}/{clip_id}_thumbnail{extension}"


def is_legacy_thumbnail(blob_name: str) -> bool:
    """Whether an image was supplied with its clip: it cannot be made again."""
    return "_thumbnail" in blob_name.rpartition("/")[2]


def images_prefix(video_id: UUID, clip_id: UUID) -> str:
    """The prefix of the names of all images of a clip, those of the old service included."""
    return f"{video_id}/{clip_id}"


def poster(video_id: UUID, clip_id: UUID) -> str:
    """The poster in its largest width, as JPEG."""
    return f"{derived_prefix(video_id, clip_id)}poster.jpg"


def poster_size(video_id: UUID, clip_id: UUID, width: int, image_format: "ImageFormat") -> str:
    """The poster in one width and format."""
    return f"{derived_prefix(video_id, clip_id)}poster-{width}{image_format.extension}"


def storyboard_sheet(video_id: UUID, clip_id: UUID) -> str:
    return f"{derived_prefix(video_id, clip_id)}{STORYBOARD_SHEET}"


def storyboard_cues(video_id: UUID, clip_id: UUID) -> str:
    return f"{derived_prefix(video_id, clip_id)}storyboard.vtt"


def rendition(video_id: UUID, clip_id: UUID) -> str:
    """The copy of a clip that every browser plays, beside its images."""
    return f"{derived_prefix(video_id, clip_id)}play.mp4"


def preview(video_id: UUID, clip_id: UUID) -> str:
    return f"{derived_prefix(video_id, clip_id)}preview.webp"


def thumbnail(
    video_id: UUID,
    clip_id: UUID,
    *,
    etag: str,
    milliseconds: int,
    width: int,
    image_format: "ImageFormat",
) -> str:
    """A still made on demand, from one version of the clip: it can never be stale."""
    return (
        f"{derived_prefix(video_id, clip_id)}"
        f"at-{milliseconds}-{width}-{etag.lower()}{image_format.extension}"
    )


def signed_storyboard(clip_id: UUID, key: str) -> str:
    """A storyboard whose cues carry links, for a while, in the temp container."""
    return f"storyboards/{clip_id}/{key}.vtt"


def drift_lines(run_id: UUID) -> str:
    """The lines of a drift report or of its repair, in the temp container."""
    return f"drift/{run_id}.jsonl"


def sidecar(key: SidecarKey) -> str:
    """Where the catalogue's record of a clip, video or source is, in the thumbnails container."""
    if key.clip_id is None:
        return f"{key.video_id}/{key.kind}.json"
    return f"{derived_prefix(key.video_id, key.clip_id)}{key.kind}.json"


def sidecar_of(blob_name: str) -> SidecarKey | None:
    """The row that a blob of the thumbnails container describes; None if it is not a sidecar."""
    if not blob_name.endswith(".json"):
        return None  # of a thousand images quickly
    *folders, last = blob_name.split("/")
    ids = [_canonical_uuid(folder) for folder in folders]
    match ids, last:
        case [UUID() as video_id], "video.json":
            return SidecarKey(SidecarKind.VIDEO, video_id)
        case [UUID() as video_id], "source.json":
            return SidecarKey(SidecarKind.SOURCE, video_id)
        case [UUID() as video_id, UUID() as clip_id], "clip.json":
            return SidecarKey(SidecarKind.CLIP, video_id, clip_id)
    return None


def is_sidecar(blob_name: str) -> bool:
    """Whether a blob of the thumbnails container is a sidecar, and therefore not an image."""
    return sidecar_of(blob_name) is not None


def source_blob(video_id: UUID, extension: str) -> str:
    """The file of a whole video in the videos container."""
    return f"{video_id}{extension}"


def video_id_of_source(blob_name: str) -> UUID | None:
    """The video whose file a blob of the videos container is: `{video_id}{ext}`; None if none."""
    path = PurePosixPath(blob_name)
    return _canonical_uuid(path.stem) if "/" not in blob_name else None


def video_id_of(blob_name: str) -> UUID | None:
    """The video under which a blob landed, or None if its name is not `{video_id}/{anything}`."""
    folder, slash, rest = blob_name.partition("/")
    return _canonical_uuid(folder) if slash and rest else None


def clip_id_of(blob_name: str) -> UUID | None:
    """The clip id in a blob's name (`{video_id}/{clip_id}{ext}`), or None."""
    _, _, rest = blob_name.partition("/")
    return _canonical_uuid(PurePosixPath(rest).stem) if "/" not in rest else None


def owner_of_image(blob_name: str) -> tuple[UUID | None, UUID | None]:
    """The ids of video and clip that the name of an image begins with; None for an absent one."""
    key = blob_name[:KEY_LENGTH]
    return video_id_of(key), clip_id_of(key)


def _canonical_uuid(text: str) -> UUID | None:
    """The UUID if the text is its canonical form: one blob must not have two spellings."""
    try:
        value = UUID(text)
    except ValueError:
        return None
    return value if str(value) == text else None
