"""Clips in the archive tier: whether their bytes can be read, and fetching them back."""

from shared.blob_names import Containers
from shared.errors import WrongState
from shared.model import RehydratePriority, Rehydration
from shared.storage import Blobs


class Archive:
    def __init__(self, blobs: Blobs, containers: Containers) -> None:
        self._blobs = blobs
        self._containers = containers

    def state(self, blob_name: str, priority: RehydratePriority) -> Rehydration | None:
        """None if the blob can be read at once."""
        blob = self._blobs.get(self._containers.clips, blob_name)
        if blob.access_tier != "Archive":
            return None
        raise WrongState(f"The clip is archived: {priority}.")
