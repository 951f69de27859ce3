"""Finds the clip that a caller names, or raises the error that says why there is none."""

from uuid import UUID

from shared.catalogue import Clips
from shared.errors import NotFound, WrongState
from shared.model import Clip, ClipFile, ClipStatus, Viewer


# The same words whether it never existed, is somebody else's or is deleted.
def no_such_clip() -> NotFound:
    return NotFound("There is no such clip.")


def no_such_video() -> NotFound:
    return NotFound("There is no such video.")


def find(clips: Clips, viewer: Viewer, clip_id: UUID) -> Clip:
    """The clip; raises NotFound, for somebody else's too."""
    clip = clips.get(viewer, clip_id)
    if clip is None:
        raise no_such_clip()
    return clip


def find_ready(clips: Clips, viewer: Viewer, clip_id: UUID) -> tuple[Clip, str]:
    """A clip that can be played, and its blob's name; raises NotFound, WrongState."""
    clip = find(clips, viewer, clip_id)
    return clip, ready_blob(clip)


def ready_blob(clip: Clip | ClipFile) -> str:
    """The name of the blob of a clip that can be played; raises WrongState."""
    if clip.status is not ClipStatus.READY or clip.blob_name is None:
        raise WrongState(f"The clip is not ready: it is {clip.status}.")
    return clip.blob_name
