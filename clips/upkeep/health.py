"""Whether the service can reach what it depends on."""

from collections.abc import Callable, Mapping

from shared.blob_names import Containers
from shared.errors import Unavailable
from shared.postgres.database import Database
from shared.storage import Blobs


class Health:
    def __init__(self, database: Database, blobs: Blobs, containers: Containers) -> None:
        self._checks: Mapping[str, Callable[[], None]] = {
            "database": database.check,
            "storage": lambda: blobs.check(containers.clips),
        }

    def check(self) -> Mapping[str, bool]:
        """For each dependency, whether it answers."""
        return {name: _answers(check) for name, check in self._checks.items()}


def _answers(check: Callable[[], None]) -> bool:
    try:
        check()
    except Unavailable:
        return False
    return True
