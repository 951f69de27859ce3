"""A database of the old service, with clips whose files are in a local folder."""

from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

from shared.model.user import Viewer


@dataclass
class OldService:
    """One user with one video; rows as the schema files leave them."""

    database_url: str
    folder: Path
    user_id: UUID = field(default_factory=uuid4)
    video_id: UUID = field(default_factory=uuid4)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.execute("INSERT INTO users (id, email) VALUES (%s, 'alice@example.org')", self.user_id)
        self.execute(
            "INSERT INTO videos (id, user_id, title) VALUES (%s, %s, 'Žofie')",
            self.video_id,
            self.user_id,
        )

    def clip(self, url: str | None = None) -> UUID:
        """A row of the old service; without a `url`, one that matches no file by address."""
        clip_id = uuid4()
        address = url if url is not None else f"s3://bucket/gone/{clip_id.hex}"
        self.execute(
            "INSERT INTO clips (id, video_id, s3_url, blob_url, start_time, end_time, duration)"
            " VALUES (%s, %s, %s, %s, 1, 5, 4)",
            clip_id,
            self.video_id,
            address,
            address,
        )
        return clip_id

    def file(self, name: str | bytes, data: bytes) -> Path:
        path = self.folder / (
            name if isinstance(name, str) else name.decode(errors="surrogateescape")
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def clip_with_file(self, data: bytes, extension: str = ".mp4") -> UUID:
        clip_id = self.clip()
        self.file(f"{clip_id}{extension}", data)
        return clip_id

    def row(self, clip_id: UUID) -> dict[str, object]:
        (row,) = self.rows("SELECT * FROM clips WHERE id = %s", clip_id)
        return row

    def rows(self, query: str, *parameters: object) -> list[dict[str, object]]:
        with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def execute(self, query: str, *parameters: object) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(query.encode(), parameters)

    @property
    def viewer(self) -> Viewer:
        return Viewer(self.user_id)
