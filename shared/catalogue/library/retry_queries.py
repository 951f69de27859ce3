"""Idempotency keys: a request that is sent again creates nothing again, for a day.

The key and what it created are written in one transaction. Of two that come at once the second
waits for the first to commit, and then finds its key.
"""

from typing import LiteralString
from uuid import UUID

from shared.errors import KeyReused
from shared.model.user import RetryKey
from shared.postgres.database import Connection

# Deletes the key itself if it has expired, and some others: so the table stays small.
_FORGET: LiteralString = """
    DELETE FROM idempotency_keys
    WHERE (user_id, key) IN (
        SELECT user_id, key FROM idempotency_keys
        WHERE created_at < now() - interval '1 day'
        ORDER BY (user_id = %(user_id)s AND key = %(key)s) DESC
        LIMIT 100
        FOR UPDATE SKIP LOCKED)
"""

_CLAIM: LiteralString = """
    INSERT INTO idempotency_keys (user_id, key, fingerprint, created_id)
    VALUES (%(user_id)s, %(key)s, %(fingerprint)s, %(created_id)s)
    ON CONFLICT DO NOTHING
    RETURNING created_id
"""

_FIND: LiteralString = """
    SELECT fingerprint, created_id FROM idempotency_keys
    WHERE user_id = %(user_id)s AND key = %(key)s
"""


def claim(connection: Connection, user_id: UUID, retry_key: RetryKey, new_id: UUID) -> UUID:
    """Returns `new_id` for a new key, else the id that the key created before.

    The caller creates what has the new id in the same transaction.

    Raises KeyReused if the key came with another request.
    """
    parameters = {
        "user_id": user_id,
        "key": retry_key.key,
        "fingerprint": retry_key.fingerprint,
        "created_id": new_id,
    }
    connection.execute(_FORGET, parameters)
    if connection.execute(_CLAIM, parameters).fetchone() is not None:
        return new_id
    row = connection.execute(_FIND, parameters).fetchone()
    if row is None or bytes(row["fingerprint"]) != retry_key.fingerprint:
        raise KeyReused("This Idempotency-Key was already sent with another request.")
    found: UUID = row["created_id"]
    return found
