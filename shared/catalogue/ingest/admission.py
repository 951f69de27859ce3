"""Decides whether a blob without a row becomes a clip.

Any blob under an existing video does, whichever tool wrote it: as the clip whose id is in its
name, if that one waits for its bytes, or as a new clip.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import LiteralString
from uuid import UUID, uuid4

from shared.postgres.database import Connection

# By its id too: the bytes of a clip of the old service may come after its deletion, and then
# neither the row nor the note about it has the name of a blob.
_IS_DELETED: LiteralString = """
    SELECT 1 FROM deleted_clips
    WHERE blob_name = %(blob_name)s OR (clip_id = %(id_in_name)s AND video_id = %(video_id)s)
    UNION ALL
    SELECT 1 FROM clips
    WHERE id = %(id_in_name)s AND video_id = %(video_id)s
      AND deleted_at IS NOT NULL AND purge_at IS NULL
"""

# The bytes of a clip of the old service that is in the recycle bin without any: they wait.
_IS_IN_BIN: LiteralString = """
    SELECT 1 FROM clips
    WHERE id = %(id_in_name)s AND video_id = %(video_id)s AND purge_at IS NOT NULL
"""

# Locked, so that the video cannot be deleted before its new clip exists.
_LOCK_VIDEO: LiteralString = """
    SELECT 1 FROM videos WHERE id = %(video_id)s AND deleted_at IS NULL FOR SHARE
"""

# A clip of the old service, whose bytes have now come.
_ATTACH: LiteralString = """
    UPDATE clips SET blob_name = %(blob_name)s, blob_url = %(blob_url)s,
                     s3_url = coalesce(s3_url, blob_url)
    WHERE id = %(id_in_name)s AND video_id = %(video_id)s
      AND blob_name IS NULL AND deleted_at IS NULL
"""

_ADOPT: LiteralString = """
    INSERT INTO clips (id, video_id, title, start_time, end_time, duration, blob_name, blob_url)
    VALUES (%(id)s, %(video_id)s, %(title)s, %(start_time)s, %(end_time)s::float8,
            %(end_time)s::float8 - %(start_time)s, %(blob_name)s, %(blob_url)s)
    ON CONFLICT DO NOTHING
"""

_IS_TAKEN: LiteralString = "SELECT 1 FROM clips WHERE id = %(id_in_name)s"


class Verdict(Enum):
    """The decision about a blob that has landed."""

    PROCESS = auto()
    NOTHING_NEW = auto()  # this version has its final verdict
    REMOVE = auto()  # it belongs to a clip that has been deleted
    NO_ROW = auto()  # of a blob that is not to become a clip yet
    IN_BIN = auto()  # its clip is in the recycle bin
    UNKNOWN_VIDEO = auto()  # it belongs to no existing video
    ATTEMPTS_EXHAUSTED = auto()  # every attempt was interrupted


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """A version of a blob under a video; `id_in_name` is the clip id in its name.

    `start_time`, `end_time` and `title` count only if the blob becomes a new clip.
    """

    blob_name: str
    blob_url: str
    video_id: UUID
    id_in_name: UUID | None
    etag: str
    size: int
    content_type: str | None
    content_md5: str | None
    start_time: float
    end_time: float | None
    title: str | None

    def parameters(self) -> dict[str, object]:
        """As query parameters."""
        return {
            "blob_name": self.blob_name,
            "blob_url": self.blob_url,
            "video_id": self.video_id,
            "id_in_name": self.id_in_name,
            "etag": self.etag,
            "size": self.size,
            "content_type": self.content_type,
            "content_md5": self.content_md5,
            "start_time": self.start_time,
            "end_time": self.end_time,
            "title": self.title,
        }


def admit(connection: Connection, landing: Landing) -> Verdict:
    """Makes a clip of a blob that no row knows, if it may become one."""
    values = landing.parameters()
    if landing.id_in_name and connection.execute(_IS_DELETED, values).fetchone():
        # Sent by an upload link that outlived its clip. Names of other tools may be used again.
        return Verdict.REMOVE
    if landing.id_in_name and connection.execute(_IS_IN_BIN, values).fetchone():
        return Verdict.IN_BIN
    if connection.execute(_LOCK_VIDEO, values).fetchone() is None:
        return Verdict.UNKNOWN_VIDEO
    if connection.execute(_ATTACH, values).rowcount == 0:
        taken = connection.execute(_IS_TAKEN, values).fetchone() is not None
        clip_id = uuid4() if taken or landing.id_in_name is None else landing.id_in_name
        connection.execute(_ADOPT, values | {"id": clip_id})
    return Verdict.PROCESS
