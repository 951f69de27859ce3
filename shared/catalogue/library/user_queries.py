"""Users: the subjects of tokens, each with an id that this service gives; owners of things."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from shared.catalogue.library.legacy_user_queries import log_why_not, merge_by_email, recognise
from shared.postgres.database import Connection, Database

_log = logging.getLogger(__name__)

# Only one transaction at a time may add a subject.
_LOCK_SUBJECT: LiteralString = "SELECT pg_advisory_xact_lock(hashtextextended(%(subject)s, 0))"

# `unclaimed`: whether a user of the old service may be recognised by the address.
_FIND: LiteralString = """
    SELECT id, EXISTS (
        SELECT 1 FROM users WHERE subject IS NULL AND lower(email) = lower(%(email)s)
    ) AS unclaimed
    FROM users WHERE subject = %(subject)s
"""

_ADD: LiteralString = """
    INSERT INTO users (subject, email) VALUES (%(subject)s, %(email)s) RETURNING id
"""

# The owners of videos and clips, hidden ones too. A user of the old service may have no subject.
_OWNERS: LiteralString = """
    SELECT coalesce(u.subject, u.id::text) AS owner
    FROM videos v JOIN users u ON u.id = v.user_id
    WHERE v.id = ANY(%(ids)s)
    UNION
    SELECT coalesce(u.subject, u.id::text)
    FROM clips c JOIN videos v ON v.id = c.video_id JOIN users u ON u.id = v.user_id
    WHERE c.id = ANY(%(ids)s)
    ORDER BY owner
"""

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    """A user's id, and the verified address by which the user was last looked for."""

    id: UUID
    email: str | None


class Users:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, _Known] = {}

    def id_of(self, subject: str, verified_email: str | None) -> UUID:
        """The user of a token, whose id never changes.

        The first token of a subject creates its row. A user of the old service is recognised by a
        verified address, then or by a later token: see `legacy_user_queries`.
        """
        known = self._known.get(subject)
        if known is None or verified_email not in {None, known.email}:
            known = _Known(self._look_up(subject, verified_email), verified_email)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[subject] = known
        return known.id

    def forget(self, subject: str) -> None:
        """The next call looks the subject up again."""
        self._known.pop(subject, None)

    def _look_up(self, subject: str, email: str | None) -> UUID:
        who = {"subject": subject, "email": email}
        row = self._database.one(_FIND, who)
        if row is not None and not row["unclaimed"]:
            found: UUID = row["id"]
            return found
        with self._database.transaction() as connection:
            connection.execute(_LOCK_SUBJECT, who)
            row = connection.execute(_FIND, who).fetchone()
            return (
                _meet(connection, subject, email) if row is None else _merge(connection, row, email)
            )


def _meet(connection: "Connection", subject: str, email: str | None) -> UUID:
    """The user of a subject that was never seen: one of the old service, or a new one."""
    recognised = recognise(connection, subject, email)
    if recognised is not None:
        _log.info("User %s of the old service is recognised", recognised)
        return recognised
    row: Any = connection.execute(_ADD, {"subject": subject, "email": email}).fetchone()
    added: UUID = row["id"]
    log_why_not(connection, added, email)
    return added


def _merge(connection: "Connection", row: Mapping[str, Any], email: str | None) -> UUID:
    user: UUID = row["id"]
    if row["unclaimed"] and email is not None:
        merge_by_email(connection, user, email)
    return user


class Owners:
    """Who owns what, for the audit log; the only query without a viewer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, ids: Collection[UUID]) -> Sequence[str]:
        """The subjects of the owners of these videos and clips."""
        return [row["owner"] for row in self._database.all(_OWNERS, {"ids": list(ids)})]
