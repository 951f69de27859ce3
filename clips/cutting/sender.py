"""The media of an MP4 on its way into storage, block by block."""

from collections.abc import Callable

from shared.storage import Composer, Place

# Bytes of a block: what is held in memory at a time.
BLOCK = 8 * 1024 * 1024


class Sender:
    """Stages the media as it comes; the beginning of the file comes last, and goes in front."""

    def __init__(
        self, composer: Composer, place: Place, check: Callable[[], None] = lambda: None
    ) -> None:
        """`check` is called for every block, and may raise to end the work."""
        self._composer = composer
        self._place = place
        self._check = check
        self._names: list[str] = []

    def send(self, data: bytes) -> None:
        self._check()
        number = len(self._names) + 1
        self._names.append(self._composer.stage(self._place, number, data))

    def finish(self, beginning: bytes) -> None:
        first = self._composer.stage(self._place, 0, beginning)
        self._composer.commit(self._place, [first, *self._names], "video/mp4")
