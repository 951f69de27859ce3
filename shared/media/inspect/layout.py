"""What the headers of a file say, before FFmpeg opens it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from fractions import Fraction

from shared.media.reading.corrections import Correction

# FFmpeg rounds when an edit begins to units of the time base.
_ROUNDING = Fraction(1, 200)


class TrackKind(Enum):
    """What a track holds: picture, sound, or anything else."""

    PICTURE = auto()
    SOUND = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Edit:
    """A part of an edit list: what of a track is shown for so many `seconds`.

    `begin` is where that begins in the track, in units of its time base; -1 if nothing is shown.
    `stands` if it is the one picture of that moment all the time.
    """

    seconds: Fraction
    begin: int
    stands: bool = False


@dataclass(frozen=True, slots=True)
class DeclaredTrack:
    """A track as the container declares it."""

    number: int
    kind: TrackKind
    encrypted: bool = False
    edits: tuple[Edit, ...] = ()

    @property
    def hidden_before(self) -> int:
        """How much of the track is hidden in front of its first edit, in units of its time base."""
        return max(0, self.edits[0].begin) if self.edits else 0

    @property
    def begins_empty(self) -> bool:
        """Whether nothing is shown at first, which is part of the film."""
        return bool(self.edits) and self.edits[0].begin < 0

    def pauses(self) -> Iterator[tuple[Fraction, Fraction]]:
        """Yields from when to when, in seconds, no other picture is shown than before.

        FFmpeg knows such a pause in front of all pictures only. Later it takes pictures of the
        track for it that the edit list hides.
        """
        start, has_begun = Fraction(0), False
        for edit in self.edits:
            end = start + edit.seconds
            if edit.stands and edit.begin >= 0:
                yield start + _ROUNDING, end
            elif edit.begin < 0 and has_begun:
                yield start, end
            has_begun = has_begun or edit.begin >= 0
            start = end


@dataclass(frozen=True, slots=True)
class Layout:
    """The outermost structure of a file.

    `container` is FFmpeg's short name where the first bytes decide it, else None;
    `fast_start` is None for all but MP4 and MOV; `fragmented` is about these too.
    `tracks` are those of MP4, MOV and Matroska. `encrypted` means the file as a whole.
    `corrections` are what headers should say that are obviously wrong. `doubtful_rate_at` is where
    an AVI has a frame rate that is beyond reason and that nothing else in its headers confirms.
    """

    container: str | None = None
    fast_start: bool | None = None
    fragmented: bool = False
    truncated: bool = False
    still_picture: bool = False
    tracks: tuple[DeclaredTrack, ...] = ()
    encrypted: bool = False
    corrections: tuple[Correction, ...] = ()
    doubtful_rate_at: int | None = None

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
