"""The names of the containers and queues of one installation."""

import hashlib
from dataclasses import dataclass

# https://learn.microsoft.com/rest/api/storageservices/naming-queues-and-metadata: 63 in all.
_LONGEST_QUEUE = 63 - len("-poison")


@dataclass(frozen=True, slots=True)
class Containers:
    """The containers of one installation; `prefix` is AZURE_STORAGE_CONTAINER_NAME."""

    prefix: str

    @property
    def clips(self) -> str:
        return f"{self.prefix}-clips"

    @property
    def thumbnails(self) -> str:
        return f"{self.prefix}-thumbnails"

    @property
    def videos(self) -> str:
        return f"{self.prefix}-videos"

    @property
    def temp(self) -> str:
        return f"{self.prefix}-temp"

    @property
    def bin(self) -> str:
        return f"{self.prefix}-bin"

    @property
    def migrations_queue(self) -> str:
        return self._queue("migrations")

    @property
    def cuts_queue(self) -> str:
        return self._queue("cuts")

    @property
    def renditions_queue(self) -> str:
        return self._queue("renditions")

    @property
    def drift_queue(self) -> str:
        return self._queue("drift")

    @property
    def deletions_queue(self) -> str:
        return self._queue("deletions")

    def _queue(self, kind: str) -> str:
        """The name of a queue, which has to leave room for `-poison` behind it."""
        name = f"{self.prefix}-{kind}"
        if len(name) <= _LONGEST_QUEUE:
            return name
        digest = hashlib.sha256(self.prefix.encode()).hexdigest()[:16]
        return f"{kind}-{digest}"

    def all(self) -> tuple[str, ...]:
        return (self.videos, self.clips, self.thumbnails, self.temp, self.bin)
