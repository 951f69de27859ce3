"""Grants: records of which user received which link, to attribute lines of storage logs.

Within a window all users who request a link on the same terms get the same link with the same id.
A grant records that one user, or one visitor of a share, received a link. `share_queries` writes
the grants of shares, together with the view that is counted.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from shared.catalogue.row_mapping import VISIBLE, TimeKey, page_after, seen_by
from shared.clock import Clock
from shared.model.link import RecordedGrant, SignedLink
from shared.model.user import Viewer
from shared.postgres.database import Database

# Links on the same terms; their ids come as one text, which costs the driver a fifteenth of what
# arrays do. The same link for the same user again is the same grant. The order is fixed: two calls
# that write the same links wait for each other, and must not deadlock.
_RECORD: LiteralString = """
    INSERT INTO grants (link_id, clip_id, variant, ip, starts_at, expires_at, user_id)
    SELECT given.*, %(variant)s, %(ip)s, %(starts_at)s, %(ends_at)s, %(user_id)s
    FROM unnest(string_to_array(%(link_ids)s, ' ')::uuid[],
                string_to_array(%(clip_ids)s, ' ')::uuid[]) AS given (link_id, clip_id)
    ORDER BY given.link_id
    ON CONFLICT DO NOTHING
"""

# A keyset page, newest first; without a key the first one. Admins also see those of deleted
# clips.
_PAGE: LiteralString = f"""
    SELECT g.id, g.link_id, u.subject AS who, g.clip_id, g.variant, g.ip,
           g.starts_at, g.expires_at, g.share_id, g.granted_at
    FROM grants g LEFT JOIN users u ON u.id = g.user_id
    WHERE g.clip_id = %(clip_id)s
      AND (%(as_admin)s OR EXISTS (
          SELECT 1 FROM clips c JOIN videos v ON v.id = c.video_id
          WHERE c.id = %(clip_id)s AND {VISIBLE}))
      AND (%(after)s::timestamptz IS NULL
           OR (g.granted_at, g.id) < (%(after)s, %(after_id)s::uuid))
    ORDER BY g.granted_at DESC, g.id DESC
    LIMIT %(limit)s
"""

_FORGET: LiteralString = """
    DELETE FROM grants
    WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM grants WHERE expires_at < %(before)s LIMIT %(limit)s))
"""

# A written grant is not written again within this time. It is short, because a database that was
# restored to an earlier moment lacks the latest grants until then.
_REMEMBERED = 50_000
_REMEMBERED_FOR = timedelta(minutes=10)

type _Terms = tuple[str, str | None, datetime, datetime]


@dataclass(frozen=True, slots=True)
class Grant:
    """A link to one variant of a clip; `ip` is the address or range that it is bound to."""

    link: SignedLink
    clip_id: UUID
    variant: str
    ip: str | None


class Grants:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._recorded: set[int] = set()
        self._recorded_since = clock()

    def record(self, user_id: UUID, grants: Sequence[Grant]) -> None:
        """Records links before a user receives them.

        A page that is requested again has the same links, which are not written again.
        """
        # Two ids of random bits, folded into one number that is quickly found in a set.
        user, recorded = user_id.int, self._remembered()
        new = [grant for grant in grants if grant.link.id.int ^ user not in recorded]
        for terms, alike in _by_terms(new).items():
            self._write(user_id, terms, alike)
            recorded.update(grant.link.id.int ^ user for grant in alike)

    def page(
        self, viewer: Viewer, clip_id: UUID, limit: int, after: TimeKey | None
    ) -> Sequence[RecordedGrant]:
        """Up to `limit` grants, newest first, that come after the one with the key `after`."""
        parameters = seen_by(viewer) | page_after(after, limit) | {"clip_id": clip_id}
        rows = self._database.all(_PAGE, parameters)
        return [RecordedGrant(**row) for row in rows]

    def forget(self, before: datetime, limit: int) -> int:
        """Deletes up to `limit` grants whose links ended before `before`, and returns how many."""
        return self._database.run(_FORGET, {"before": before, "limit": limit})

    def _remembered(self) -> set[int]:
        """The grants that this process has written in the last minutes.

        Threads share the set without a lock: at worst a grant is written twice, with the same
        result.
        """
        now = self._clock()
        if now - self._recorded_since > _REMEMBERED_FOR or len(self._recorded) >= _REMEMBERED:
            self._recorded, self._recorded_since = set(), now
        return self._recorded

    def _write(self, user_id: UUID, terms: _Terms, grants: Sequence[Grant]) -> None:
        variant, ip, starts_at, ends_at = terms
        self._database.run(
            _RECORD,
            {
                "user_id": user_id,
                "variant": variant,
                "ip": ip,
                "starts_at": starts_at,
                "ends_at": ends_at,
                "link_ids": " ".join([grant.link.id.hex for grant in grants]),
                "clip_ids": " ".join([grant.clip_id.hex for grant in grants]),
            },
        )


def _by_terms(grants: Sequence[Grant]) -> Mapping[_Terms, Sequence[Grant]]:
    """Groups grants by their terms; most pages have one group."""
    found: dict[_Terms, list[Grant]] = defaultdict(list)
    for grant in grants:
        terms = (grant.variant, grant.ip, grant.link.starts_at, grant.link.expires_at)
        found[terms].append(grant)
    return found
