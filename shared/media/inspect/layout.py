"""What the headers of a file say, before FFmpeg opens it."""

from dataclasses import dataclass
from enum import Enum, auto


class TrackKind(Enum):
    """What a track holds: picture, sound, or anything else."""

    PICTURE = auto()
    SOUND = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class DeclaredTrack:
    """A track as the container declares it.

    `first_edit` is where an edit list begins in the track, in units of its time base; -1 if it
    shows nothing at first, which is part of the film; None without an edit list.
    """

    number: int
    kind: TrackKind
    encrypted: bool = False
    first_edit: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """The outermost structure of a file.

    `container` is FFmpeg's short name where the first bytes decide it, else None;
    `fast_start` is None for all but MP4 and MOV; `fragmented` is about these too.
    `tracks` are those of MP4, MOV and Matroska. `encrypted` means the file as a whole.
    """

    container: str | None = None
    fast_start: bool | None = None
    fragmented: bool = False
    truncated: bool = False
    still_picture: bool = False
    tracks: tuple[DeclaredTrack, ...] = ()
    encrypted: bool = False

    @property
    def is_mp4(self) -> bool:
        """Whether this is an MP4 or MOV, whose index has the place and size of each sample."""
        return self.fast_start is not None

    @property
    def is_matroska(self) -> bool:
        """Whether this is a Matroska or WebM file."""
        return self.container in ("matroska", "webm")

    @property
    def cannot_be_shown(self) -> bool:
        """Whether all that could be shown is encrypted: every picture, or else every sound."""
        for kind in (TrackKind.PICTURE, TrackKind.SOUND):
            found = [track.encrypted for track in self.tracks if track.kind is kind]
            if found:
                return all(found)
        return self.encrypted
