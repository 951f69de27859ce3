"""An installation that loses its database, and the rebuild of its catalogue."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from psycopg import sql

from clips.rebuild import command
from clips.rebuild.report import Report
from local import postgres
from shared.settings import Settings, TransferSettings
from shared.settings.secret import Fixed
from tests.conftest import create_database, with_password
from tests.services import AllServices, compose_all

# Columns that sidecars do not record: they change with every view or attempt, or a rebuild or a
# trigger sets them.
NOT_RECORDED = {
    "users": {"created_at", "password_hash", "clerk_id", "first_name", "last_name"},
    "videos": {"next_try_at", "retention_from"},
    "clips": {
        *("attempts", "attempted_at", "view_count", "next_try_at", "bin_owner"),
        "retention_from",
        *("rendition_attempts", "rendition_leased_until"),
    },
    "sources": {"attempts", "attempted_at"},
    "cuts": {"attempts", "leased_until"},
}

type Tables = Mapping[str, Mapping[str, Mapping[str, Any]]]


def contents(services: AllServices) -> Tables:
    """The rows of each table, without the columns that sidecars do not record."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    with services.database.transaction() as connection:
        for table, left_out in NOT_RECORDED.items():
            query = sql.SQL("SELECT to_jsonb(t) AS row FROM {} t").format(sql.Identifier(table))
            rows = connection.execute(query).fetchall()  # type: ignore[arg-type]  # composed
            found[table] = {
                str(row["row"].get("id") or row["row"].get("clip_id") or row["row"]["video_id"]): {
                    column: value for column, value in row["row"].items() if column not in left_out
                }
                for row in rows
            }
    return found


def settle(services: AllServices) -> None:
    """Writes all queued sidecars."""
    tally = services.sidecars.drain(60)
    assert (tally.failed, tally.outages) == (0, [])
    assert services.sidecars._outbox.waiting(10) == 0


@dataclass
class Installation:
    """Containers with a database that can be replaced."""

    server: postgres.Server
    template: str
    settings: Settings
    number: int = 0

    def lose_database(self) -> "Installation":
        """The same containers with an empty database that has the schema."""
        self.number += 1
        name = f"rebuilt_{self.settings.container_prefix.replace('-', '_')}_{self.number}"
        create_database(self.server, name, self.template)
        url = with_password(self.server.database_url(name))
        self.settings = replace(self.settings, database_url=Fixed(url))
        return self

    def services(self) -> AllServices:
        return compose_all(self.settings)

    def rebuild(self, *, dry_run: bool = False, owner: str | None = None) -> Report:
        report = Report(dry_run=dry_run)
        command.run(self.transfer_settings, report, owner=owner, out=io.StringIO())
        assert report.complete
        assert json.loads(report.to_json())["dry_run"] == dry_run
        return report

    @property
    def transfer_settings(self) -> TransferSettings:
        return TransferSettings(
            storage=self.settings.storage,
            database_url=self.settings.database_url,
            container_prefix=self.settings.container_prefix,
        )


def stored_sidecar(services: AllServices, name: str) -> dict[str, Any] | None:
    """The content of a sidecar, or None."""
    client = services.account.client.get_blob_client(services.containers.thumbnails, name)
    if not client.exists():
        return None
    content: dict[str, Any] = json.loads(client.download_blob().readall())
    return content


def clip_sidecar(video_id: UUID, clip_id: UUID) -> str:
    return f"{video_id}/{clip_id}/clip.json"
