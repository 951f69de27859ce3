"""Users: the subjects of tokens, each with an id that this service gives; owners of things."""

from collections.abc import Collection, Sequence
from typing import LiteralString
from uuid import UUID

from shared.postgres.database import Database

# Only one transaction at a time may meet a subject for the first time.
_LOCK_SUBJECT: LiteralString = "SELECT pg_advisory_xact_lock(hashtextextended(%(subject)s, 0))"

_FIND: LiteralString = "SELECT id FROM users WHERE subject = %(subject)s"

# Somebody of the old service, who signed in with a password there: recognised
# by an e-mail address that the issuer has verified, if that address is theirs alone. What is
# looked up by its index is compared again, with the case of ASCII alone folded: lower() makes a
# plain k of the Kelvin sign, which makes somebody else's address of it.
_RECOGNISE: LiteralString = """
    UPDATE users SET subject = %(subject)s
    WHERE subject IS NULL
      AND lower(email) = lower(%(email)s)
      AND lower(email COLLATE "C") = lower(%(email)s COLLATE "C")
      AND (SELECT count(*) FROM users WHERE subject IS NULL AND lower(email) = lower(%(email)s)) = 1
    RETURNING id
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


class Users:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids: dict[str, UUID] = {}

    def id_of(self, subject: str, verified_email: str | None) -> UUID:
        """The user of a token; the first sight of a subject creates its row."""
        known = self._ids.get(subject)
        if known is None:
            known = self._find(subject) or self._meet(subject, verified_email)
            if len(self._ids) >= _REMEMBERED:
                self._ids.clear()
            self._ids[subject] = known
        return known

    def forget(self, subject: str) -> None:
        """The next call looks the subject up again."""
        self._ids.pop(subject, None)

    def _find(self, subject: str) -> UUID | None:
        row = self._database.one(_FIND, {"subject": subject})
        return row["id"] if row else None

    def _meet(self, subject: str, verified_email: str | None) -> UUID:
        who = {"subject": subject, "email": verified_email}
        with self._database.transaction() as connection:
            connection.execute(_LOCK_SUBJECT, who)
            for statement in (_FIND, _RECOGNISE, _ADD):
                row = connection.execute(statement, who).fetchone()
                if row is not None:
                    break
            else:
                raise AssertionError("an INSERT without a conflict clause returns its row")
        found: UUID = row["id"]
        return found


class Owners:
    """Who owns what, for the audit log; the only query without a viewer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, ids: Collection[UUID]) -> Sequence[str]:
        """The subjects of those to whom any of these videos and clips belong."""
        return [row["owner"] for row in self._database.all(_OWNERS, {"ids": list(ids)})]
