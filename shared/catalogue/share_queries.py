"""Shares: access to a clip without a token, counted and revocable.

A share is found by the SHA-256 of the secret in its address, and by nothing else: the secret
itself is never stored, and nothing here compares secrets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from shared.catalogue.row_mapping import (
    FILE_COLUMNS,
    LIVE,
    VISIBLE,
    TimeKey,
    file_of,
    page_after,
    seen_by,
)
from shared.model import ClipFile, Share, SignedLink, Variant, Viewer
from shared.postgres.database import Database

_COLUMNS: LiteralString = """
    s.id, s.clip_id, s.ip, s.max_views, s.views, s.created_at, s.expires_at, s.revoked_at
"""

_OPEN: LiteralString = """
    s.revoked_at IS NULL
    AND (s.expires_at IS NULL OR s.expires_at > now())
    AND (s.max_views IS NULL OR s.views < s.max_views)
"""

# No row if the viewer sees no such clip. It is held, so that it cannot go meanwhile.
_ADD: LiteralString = f"""
    INSERT INTO shares AS s (clip_id, token_digest, ip, max_views, expires_at)
    SELECT c.id, %(digest)s, %(ip)s, %(max_views)s, %(expires_at)s
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.id = %(clip_id)s AND {VISIBLE}
    FOR KEY SHARE OF c
    RETURNING {_COLUMNS}
"""

# A keyset page, newest first; without a key the first one.
_PAGE: LiteralString = f"""
    SELECT {_COLUMNS}
    FROM shares s JOIN clips c ON c.id = s.clip_id JOIN videos v ON v.id = c.video_id
    WHERE s.clip_id = %(clip_id)s AND {VISIBLE}
      AND (%(after)s::timestamptz IS NULL
           OR (s.created_at, s.id) < (%(after)s, %(after_id)s::uuid))
    ORDER BY s.created_at DESC, s.id DESC
    LIMIT %(limit)s
"""

# Once revoked it stays revoked since then.
_REVOKE: LiteralString = f"""
    UPDATE shares s SET revoked_at = coalesce(s.revoked_at, now())
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.id = s.clip_id AND s.id = %(id)s AND s.clip_id = %(clip_id)s AND {VISIBLE}
"""

_FIND: LiteralString = f"""
    SELECT s.id, s.ip, s.expires_at, {FILE_COLUMNS}
    FROM shares s JOIN clips c ON c.id = s.clip_id JOIN videos v ON v.id = c.video_id
    WHERE s.token_digest = %(digest)s AND {_OPEN} AND {LIVE}
"""

# Counts the view and puts its link on record, or neither. Of many at once, those that come too
# late wait for the row, look at it again, and find it used up. Two views within a second may
# get the same link: that is one grant, and two views.
_CLAIM: LiteralString = f"""
    WITH claimed AS (
        UPDATE shares s SET views = s.views + 1
        FROM clips c JOIN videos v ON v.id = c.video_id
        WHERE c.id = s.clip_id AND s.id = %(share_id)s AND {_OPEN} AND {LIVE}
        RETURNING s.id, s.clip_id, s.ip
    ), noted AS (
        INSERT INTO grants (link_id, clip_id, variant, ip, starts_at, expires_at, share_id)
        SELECT %(link_id)s, clip_id, %(variant)s, ip, %(starts_at)s, %(ends_at)s, id FROM claimed
        ON CONFLICT DO NOTHING
    )
    SELECT id FROM claimed
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewShare:
    """`digest` is the SHA-256 of the secret; None leaves a bound open."""

    clip_id: UUID
    digest: bytes
    ip: str | None
    max_views: int | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenShare:
    """A share that opens its clip, at this moment."""

    id: UUID
    ip: str | None
    expires_at: datetime | None
    file: ClipFile


class Shares:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, viewer: Viewer, share: NewShare) -> Share | None:
        """The share; None if the viewer sees no such clip."""
        row = self._database.one(
            _ADD,
            seen_by(viewer)
            | {
                "clip_id": share.clip_id,
                "digest": share.digest,
                "ip": share.ip,
                "max_views": share.max_views,
                "expires_at": share.expires_at,
            },
        )
        return Share(**row) if row else None

    def page(
        self, viewer: Viewer, clip_id: UUID, limit: int, after: TimeKey | None
    ) -> Sequence[Share]:
        """Up to `limit` shares, newest first, that come after the one with the key `after`."""
        parameters = seen_by(viewer) | page_after(after, limit) | {"clip_id": clip_id}
        rows = self._database.all(_PAGE, parameters)
        return [Share(**row) for row in rows]

    def revoke(self, viewer: Viewer, clip_id: UUID, share_id: UUID) -> bool:
        """Ends a share for good, also if it was over; False if the viewer sees no such share."""
        parameters = seen_by(viewer) | {"clip_id": clip_id, "id": share_id}
        return self._database.run(_REVOKE, parameters) == 1

    def find(self, digest: bytes) -> OpenShare | None:
        """The share with this digest, unless it or its clip is over."""
        return self._database.one_as(_open_share, _FIND, {"digest": digest})

    def claim(self, share_id: UUID, link: SignedLink) -> bool:
        """Uses up a view for a link to the clip; False if the share or clip is over by now."""
        row = self._database.one(
            _CLAIM,
            {
                "share_id": share_id,
                "link_id": link.id,
                "variant": Variant.CLIP,
                "starts_at": link.starts_at,
                "ends_at": link.expires_at,
            },
        )
        return row is not None


def _open_share(
    share_id: UUID,
    ip: str | None,
    expires_at: datetime | None,
    *file: Any,  # noqa: ANN401  # the values of FILE_COLUMNS, handed on
) -> OpenShare:
    return OpenShare(id=share_id, ip=ip, expires_at=expires_at, file=file_of(*file))
