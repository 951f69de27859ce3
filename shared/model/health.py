"""The health of what the service depends on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """Whether database and storage answer.

    `held` says what an operator has to decide about missing blobs; None if nothing is, or the
    database does not answer.
    """

    database: bool
    storage: bool
    held: str | None

    @property
    def answers(self) -> bool:
        return self.database and self.storage
