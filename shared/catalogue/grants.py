"""Grants: which link was handed to whom, so that storage logs can be read.

A link is the same for everybody who asks for it on the same terms within a window, and so is
its id; a grant is one link in the hands of one user, or of whoever opened one share.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from shared.database import Database
from shared.model import SignedLink

# The same link handed to the same user again is the same grant.
_RECORD: LiteralString = """
    INSERT INTO grants (link_id, clip_id, variant, ip, starts_at, expires_at, user_id, share_id)
    SELECT given.*, %(user_id)s::uuid, %(share_id)s::uuid
    FROM unnest(%(link_ids)s::uuid[], %(clip_ids)s::uuid[], %(variants)s::text[], %(ips)s::text[],
                %(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS given
    ON CONFLICT DO NOTHING
"""

_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Grant:
    """A link to one variant of a clip; `ip` is the address or range that it is bound to."""

    link: SignedLink
    clip_id: UUID
    variant: str
    ip: str | None


class Grants:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._recorded: set[tuple[UUID, UUID]] = set()

    def record(self, user_id: UUID, grants: Sequence[Grant]) -> None:
        """Puts links on record that are about to be handed to a user.

        A page that is asked for again has the same links: those are not written again.
        """
        new = [grant for grant in grants if (user_id, grant.link.id) not in self._recorded]
        if not new:
            return
        self._write(new, user_id=user_id)
        if len(self._recorded) >= _REMEMBERED:
            self._recorded.clear()
        self._recorded.update((user_id, grant.link.id) for grant in new)

    def record_shared(self, share_id: UUID, grant: Grant) -> None:
        """Puts a link on record that is about to be handed to somebody who opened a share."""
        self._write([grant], share_id=share_id)

    def _write(
        self, grants: Sequence[Grant], *, user_id: UUID | None = None, share_id: UUID | None = None
    ) -> None:
        self._database.run(
            _RECORD,
            {
                "user_id": user_id,
                "share_id": share_id,
                "link_ids": [grant.link.id for grant in grants],
                "clip_ids": [grant.clip_id for grant in grants],
                "variants": [grant.variant for grant in grants],
                "ips": [grant.ip for grant in grants],
                "starts": [grant.link.starts_at for grant in grants],
                "ends": [grant.link.expires_at for grant in grants],
            },
        )
