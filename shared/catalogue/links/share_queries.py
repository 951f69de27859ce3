"""Shares: access to a clip without a token, counted and revocable.

A share is found by the SHA-256 of the secret in its address, and by nothing else: the secret
itself is never stored, and nothing here compares secrets.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
from shared.model.clip import ClipFile
from shared.model.link import Share, SignedLink, Variant
from shared.model.user import Viewer
from shared.postgres.database import Database

_COLUMNS: LiteralString = """
    s.id, s.clip_id, s.ip, s.max_views, s.views, s.created_at, s.expires_at, s.revoked_at
"""

_OPEN: LiteralString = """
    s.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now())
"""

# Rows of `share_viewers` whose link is still valid. A program that plays a video for a browser may
# send another User-Agent: then only the address is compared.
_WATCHING: LiteralString = """
    w.share_id = s.id AND w.address = %(address)s AND w.until > %(now)s
    AND (w.program = %(program)s OR %(any_program)s)
"""

# No row if the viewer sees no such clip. Its row is locked, so that it cannot be deleted meanwhile.
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

# A second call keeps the time of the first.
_REVOKE: LiteralString = f"""
    UPDATE shares s SET revoked_at = coalesce(s.revoked_at, now())
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.id = s.clip_id AND s.id = %(id)s AND s.clip_id = %(clip_id)s AND {VISIBLE}
"""

_FIND: LiteralString = f"""
    SELECT s.id, s.ip, s.expires_at, {FILE_COLUMNS}
    FROM shares s JOIN clips c ON c.id = s.clip_id JOIN videos v ON v.id = c.video_id
    WHERE s.token_digest = %(digest)s AND {_OPEN} AND {LIVE}
      AND (s.max_views IS NULL OR s.views < s.max_views
           OR EXISTS (SELECT FROM share_viewers w WHERE {_WATCHING}))
"""

# Serialises requests for one share from here on: each sees the viewers before it.
_LOCK: LiteralString = f"""
    SELECT s.id FROM shares s JOIN clips c ON c.id = s.clip_id JOIN videos v ON v.id = c.video_id
    WHERE s.id = %(share_id)s AND {_OPEN} AND {LIVE}
    FOR UPDATE OF s
"""

_STILL_WATCHING: LiteralString = f"""
    UPDATE share_viewers w SET until = greatest(w.until, %(ends_at)s)
    FROM shares s
    WHERE s.id = %(share_id)s AND {_WATCHING}
    RETURNING w.share_id
"""

_COUNT: LiteralString = """
    UPDATE shares SET views = views + 1
    WHERE id = %(share_id)s AND (max_views IS NULL OR views < max_views)
    RETURNING id
"""

_FORGET_VIEWERS: LiteralString = """
    DELETE FROM share_viewers WHERE share_id = %(share_id)s AND until <= %(now)s
"""

_REMEMBER_VIEWER: LiteralString = """
    INSERT INTO share_viewers (share_id, address, program, until)
    VALUES (%(share_id)s, %(address)s, %(program)s, %(ends_at)s)
"""

# Two requests within a second may get the same link: that is one grant.
_RECORD: LiteralString = """
    INSERT INTO grants (link_id, clip_id, variant, ip, starts_at, expires_at, share_id)
    SELECT %(link_id)s, clip_id, %(variant)s, ip, %(starts_at)s, %(ends_at)s, id
    FROM shares WHERE id = %(share_id)s
    ON CONFLICT DO NOTHING
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
class ShareViewer:
    """Who opens a share: HMACs of the address and the program, under the share's secret.

    With `any_program` viewers are distinguished by the address only.
    """

    address: bytes
    program: bytes
    any_program: bool


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
        """Revokes a share, also an expired one; False if the viewer sees no such share."""
        parameters = seen_by(viewer) | {"clip_id": clip_id, "id": share_id}
        return self._database.run(_REVOKE, parameters) == 1

    def find(self, digest: bytes, viewer: ShareViewer, now: datetime) -> OpenShare | None:
        """The share with this digest, unless it or its clip has ended, or its views are used up.

        Used-up views do not count for a viewer who is still watching at `now`.
        """
        parameters = asdict(viewer) | {"digest": digest, "now": now}
        return self._database.one_as(_open_share, _FIND, parameters)

    def claim(self, share_id: UUID, link: SignedLink, viewer: ShareViewer, now: datetime) -> bool:
        """Records a link to the clip, and counts a view unless the viewer is still watching.

        False if the share or its clip is over by now, or its views are used up.
        """
        parameters = _link_parameters(share_id, link) | asdict(viewer) | {"now": now}
        with self._database.transaction() as connection:
            if connection.execute(_LOCK, parameters).fetchone() is None:
                return False
            if connection.execute(_STILL_WATCHING, parameters).fetchone() is None:
                if connection.execute(_COUNT, parameters).fetchone() is None:
                    return False
                connection.execute(_FORGET_VIEWERS, parameters)
                connection.execute(_REMEMBER_VIEWER, parameters)
            connection.execute(_RECORD, parameters)
        return True

    def record(self, share_id: UUID, link: SignedLink) -> None:
        """Records a link without counting a view."""
        self._database.run(_RECORD, _link_parameters(share_id, link))


def _link_parameters(share_id: UUID, link: SignedLink) -> dict[str, object]:
    return {
        "share_id": share_id,
        "link_id": link.id,
        "variant": Variant.CLIP,
        "starts_at": link.starts_at,
        "ends_at": link.expires_at,
    }


def _open_share(
    share_id: UUID,
    ip: str | None,
    expires_at: datetime | None,
    *file: Any,  # noqa: ANN401 - the values of FILE_COLUMNS, handed on
) -> OpenShare:
    return OpenShare(id=share_id, ip=ip, expires_at=expires_at, file=file_of(*file))
