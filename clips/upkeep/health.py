"""Whether the service can reach what it depends on, and whether an operator has to decide."""

from collections.abc import Callable

from clips.upkeep.missing import HELD
from shared.blob_names.containers import Containers
from shared.catalogue.upkeep.loss_queries import BulkLosses
from shared.errors import Unavailable
from shared.model.health import HealthReport
from shared.postgres.database import Database
from shared.storage.sdk.blobs import Blobs


class HealthCheck:
    def __init__(
        self, database: Database, blobs: Blobs, containers: Containers, losses: BulkLosses
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._container = containers.clips
        self._losses = losses

    def check(self) -> HealthReport:
        database = _answers(self._database.check)
        return HealthReport(
            database=database,
            storage=_answers(lambda: self._blobs.check(self._container)),
            held=HELD if database and self._is_held() else None,
        )

    def _is_held(self) -> bool:
        try:
            return self._losses.current() is not None
        except Unavailable:
            return False


def _answers(check: Callable[[], None]) -> bool:
    try:
        check()
    except Unavailable:
        return False
    return True
