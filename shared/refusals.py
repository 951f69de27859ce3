"""Errors that several services raise with the same sentence."""

from shared.errors import NotFound, Pinned


def no_such_clip() -> NotFound:
    """One sentence for clips that never existed, belong to another user or are deleted."""
    return NotFound("There is no such clip.")


def no_such_video() -> NotFound:
    """One sentence for videos that never existed, belong to another user or are deleted."""
    return NotFound("There is no such video.")


def pinned_clip() -> Pinned:
    return Pinned("The clip is pinned. Set its `pinned` to false first.")


def pinned_in_video() -> Pinned:
    return Pinned("A clip of the video is pinned. Set its `pinned` to false first.")
