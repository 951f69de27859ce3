"""Finding a caller's clip, or saying why there is none to be had."""

from uuid import UUID

from shared.catalogue import Clips
from shared.errors import NotFound, WrongState
from shared.model import Clip, ClipStatus


def find(clips: Clips, user_id: UUID, clip_id: UUID) -> Clip:
    """The clip; raises NotFound, for somebody else's too."""
    clip = clips.get(user_id, clip_id)
    if clip is None:
        raise NotFound("There is no such clip.")
    return clip


def find_ready(clips: Clips, user_id: UUID, clip_id: UUID) -> tuple[Clip, str]:
    """A clip that can be played, and its blob's name; raises NotFound, WrongState."""
    clip = find(clips, user_id, clip_id)
    if clip.status is not ClipStatus.READY or clip.blob_name is None:
        raise WrongState(f"The clip is not ready: it is {clip.status}.")
    return clip, clip.blob_name
