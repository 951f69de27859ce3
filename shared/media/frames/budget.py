"""How much a search for frames may read and decode, and how far into the film it came."""

from shared.media.frames.film import Film

# Until a first frame is found, more may be read than the search as a whole is given.
_FIRST_FRAME_BYTES = 32 * 1024 * 1024

# For one place in the film, at most this share of the bytes is read and so many frames are decoded:
# x264 refreshes a picture completely within 250 frames unless asked for otherwise.
_BYTES_SHARE = 2
_FRAMES = 300

# Decoding on from keyframes that give no picture alone, for all places together: two seconds of
# one processor.
_PIXELS = 500 * 1920 * 1088


class FrameBudget:
    """The bounds of one search for `count` frames, in bytes and in work.

    `reached` is the timestamp up to which the film was searched; frames after it were not searched
    for. `in_order` if the film was read from its beginning up to there; `has_one_keyframe` if that
    part was decoded because no other keyframe was found.
    """

    def __init__(self, film: Film, count: int, max_bytes: int) -> None:
        self.count = count
        self.max_bytes = max_bytes
        self.reached = film.begin
        self.in_order = self.has_one_keyframe = False
        self._film = film
        self._start = film.file.bytes_read
        self._found = 0
        self._pixels = 0
        self._place_start = self._start
        self._place_frames = 0

    def start_place(self) -> None:
        """Begins to count for another place in the film."""
        self._place_start = self._film.file.bytes_read
        self._place_frames = 0

    def begin_anew(self) -> None:
        """Allows another search, with what is left of the bytes but at least half of them."""
        self.max_bytes = max(self.max_bytes - self._bytes, self.max_bytes // 2)
        self.reached = self._film.begin
        self._start = self._film.file.bytes_read
        self._pixels = 0
        self.start_place()

    def count_decoded(self) -> None:
        """Counts one frame that was decoded on the way to another."""
        self._pixels += self._film.stream.width * self._film.stream.height
        self._place_frames += 1

    def count_found(self) -> None:
        """Counts one frame that is what was searched for."""
        self._found += 1

    def reach(self, timestamp: int) -> None:
        """Notes that the film was searched up to `timestamp`."""
        self.reached = max(self.reached, timestamp)

    @property
    def is_spent(self) -> bool:
        """Whether the search has to end."""
        return self._bytes > self._allowed or self._pixels > _PIXELS

    @property
    def is_spent_here(self) -> bool:
        """Whether the search has to end at this place of the film."""
        here = self._film.file.bytes_read - self._place_start
        share = self.max_bytes // _BYTES_SHARE if self._found else _FIRST_FRAME_BYTES
        return self.is_spent or here > share or self._place_frames > _FRAMES

    @property
    def _bytes(self) -> int:
        return self._film.file.bytes_read - self._start

    @property
    def _allowed(self) -> int:
        return self.max_bytes if self._found else max(self.max_bytes, _FIRST_FRAME_BYTES)
