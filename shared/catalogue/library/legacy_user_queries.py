"""Users of the old service, who have no subject yet: recognised by e-mail, or linked by hand.

What keeps one user from getting the videos of another:

- Only an address that the issuer has verified counts, and it must be the same letter by letter but
for the case of ASCII. lower() alone would turn the Kelvin sign into a plain k, and so accept
another mailbox; it only serves to use the index. - The address must have been that of one user of
the old service, counting those who have been recognised already: an address that two users shared
identifies neither. - A user is recognised once. If another subject has the same address later, no
unrecognised user is left for it. - A subject that owns videos is left as it is: a known user who
changes the address gets no other videos. Only an operator links the two.
"""

import logging
from typing import Any, LiteralString
from uuid import UUID

from shared.postgres.database import Connection, Database

_log = logging.getLogger(__name__)

_SAME_ADDRESS: LiteralString = """
    lower(email) = lower(%(email)s) AND lower(email COLLATE "C") = lower(%(email)s COLLATE "C")
"""
# Of the old service: without a subject, or recognised since. Others have no password's hash.
_ONLY_ONE: LiteralString = """
    (SELECT count(*) FROM users
     WHERE (subject IS NULL OR password_hash IS NOT NULL) AND lower(email) = lower(%(email)s)) = 1
"""

_RECOGNISE: LiteralString = f"""
    UPDATE users SET subject = %(subject)s
    WHERE subject IS NULL AND {_SAME_ADDRESS} AND {_ONLY_ONE}
    RETURNING id
"""

# Locked: of two subjects with one address, the second finds a row that has a subject by then.
_FIND_TO_MERGE: LiteralString = f"""
    SELECT id FROM users
    WHERE subject IS NULL AND {_SAME_ADDRESS} AND {_ONLY_ONE}
    FOR UPDATE
"""

_FIND_BY_EMAIL: LiteralString = f"SELECT id FROM users WHERE subject IS NULL AND {_SAME_ADDRESS}"

_LOCK: LiteralString = "SELECT id FROM users WHERE id = %(old)s AND subject IS NULL FOR UPDATE"

_FIND_SUBJECT: LiteralString = "SELECT id FROM users WHERE subject = %(subject)s"

_OWNS_VIDEOS: LiteralString = "SELECT 1 FROM videos WHERE user_id = %(user)s LIMIT 1"

_COUNT_VIDEOS: LiteralString = "SELECT count(*) AS videos FROM videos WHERE user_id = %(user)s"

_NUMBER_LEFT: LiteralString = """
    SELECT count(*) AS anyone, count(*) FILTER (WHERE lower(email) = lower(%(email)s)) AS fitting
    FROM users WHERE subject IS NULL
"""

_SET_SUBJECT: LiteralString = "UPDATE users SET subject = %(subject)s WHERE id = %(old)s"

# A user's id never changes: instances remember it. So the videos move, and the old row stays as a
# record, with a subject that owns nothing.
_MERGE: tuple[LiteralString, ...] = (
    "UPDATE videos SET user_id = %(user)s WHERE user_id = %(old)s",
    "UPDATE clips SET bin_owner = %(user)s WHERE purge_at IS NOT NULL AND bin_owner = %(old)s",
    "UPDATE clip_view_logs SET user_id = %(user)s WHERE user_id = %(old)s",
    """
    UPDATE users SET email = coalesce(users.email, old.email) FROM users old
    WHERE users.id = %(user)s AND old.id = %(old)s
    """,
    "UPDATE users SET subject = 'merged:' || id WHERE id = %(old)s",
)


def recognise(connection: "Connection", subject: str, email: str | None) -> UUID | None:
    """Gives a subject that has no row the user of the old service with that verified address."""
    if email is None:
        return None
    row = connection.execute(_RECOGNISE, {"subject": subject, "email": email}).fetchone()
    return row["id"] if row else None


def merge_by_email(connection: "Connection", user: UUID, email: str) -> None:
    """Gives a known user the videos of the user of the old service with that verified address."""
    row = connection.execute(_FIND_TO_MERGE, {"email": email}).fetchone()
    if row is None:
        log_why_not(connection, user, email)
    elif connection.execute(_OWNS_VIDEOS, {"user": user}).fetchone():
        _log.info(
            "User %s is not recognised as user %s of the old service: it owns videos already. "
            "An operator can link them: python -m shared.link_user",
            user,
            row["id"],
        )
    else:
        _merge(connection, user, row["id"])
        _log.info("User %s is recognised as user %s of the old service", user, row["id"])


def log_why_not(connection: "Connection", user: UUID, email: str | None) -> None:
    """Logs why a user was not recognised, while users of the old service are left.

    No address or subject is in the log: the user's id is enough to find both.
    """
    row: Any = connection.execute(_NUMBER_LEFT, {"email": email}).fetchone()
    if not row["anyone"]:
        return
    if email is None:
        reason = "its token has no e-mail address that the issuer calls verified"
    elif row["fitting"]:
        reason = "several users had its e-mail address, or one that only looks the same"
    else:
        reason = "no user of the old service without a subject has its e-mail address"
    _log.info("User %s is not recognised as a user of the old service: %s", user, reason)


class LegacyUsers:
    """What an operator does by hand: see `shared.link_user`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def with_email(self, email: str) -> list[UUID]:
        """The users of the old service with that address who have no subject yet."""
        return [row["id"] for row in self._database.all(_FIND_BY_EMAIL, {"email": email})]

    def link(self, old: UUID, subject: str) -> int | None:
        """Gives a subject what a user of the old service owns; returns the number of its videos.

        The subject may be new or known, and may own videos. None if there is no such user
        without a subject.
        """
        with self._database.transaction() as connection:
            if connection.execute(_LOCK, {"old": old}).fetchone() is None:
                return None
            videos: Any = connection.execute(_COUNT_VIDEOS, {"user": old}).fetchone()
            known = connection.execute(_FIND_SUBJECT, {"subject": subject}).fetchone()
            if known is None:
                connection.execute(_SET_SUBJECT, {"subject": subject, "old": old})
            else:
                _merge(connection, known["id"], old)
            return int(videos["videos"])


def _merge(connection: "Connection", user: UUID, old: UUID) -> None:
    for statement in _MERGE:
        connection.execute(statement, {"user": user, "old": old})
