"""A run's own book: files, clips and what became of each, in a SQLite file that goes with the run.

On disk, so that memory stays flat however many files and clips there are; without a name, so
that nothing is left of it by a run that is killed. It is used from one thread. Paths are bytes
and come in their order.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Self

from clips.migration import names
from clips.migration.names import Kind
from clips.migration.scan import Found
from shared.catalogue.moving import CatalogueClip

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -8000;
PRAGMA temp_store = FILE;

CREATE TABLE files (
    path BLOB PRIMARY KEY, size INTEGER, kind TEXT, spelled BLOB, stem BLOB, is_thumbnail INTEGER,
    problem TEXT, detail TEXT,
    clip BLOB, fit INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE clips (
    id BLOB PRIMARY KEY, video BLOB, blob_name TEXT, old_url TEXT
) WITHOUT ROWID;
CREATE TABLE file_keys (level INTEGER, key BLOB, path BLOB);
CREATE TABLE clip_keys (level INTEGER, key BLOB, clip BLOB);
CREATE TABLE results (path BLOB PRIMARY KEY, line TEXT) WITHOUT ROWID;
"""

type Line = Mapping[str, object]
"""A line of the receipt."""


class Ledger:
    def __init__(self) -> None:
        # No name: a file in the system's folder for such, deleted as soon as it is open.
        # https://www.sqlite.org/inmemorydb.html#temp_db
        self.db = sqlite3.connect("", isolation_level=None, autocommit=True)
        self.db.executescript(_SCHEMA)

    def add_files(self, found: Iterable[Found]) -> None:
        def keys() -> Iterator[tuple[int, bytes, bytes]]:
            for path, kind in self.db.execute("SELECT path, kind FROM files WHERE problem IS NULL"):
                if kind != Kind.IMAGE:
                    yield from ((n, k, path) for n, k in enumerate(names.keys_of_path(path), 1))

        self.db.execute("BEGIN")
        self.db.executemany(
            "INSERT OR IGNORE INTO files (path, size, kind, spelled, stem, is_thumbnail, problem,"
            " detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            map(_file_row, found),
        )
        self.db.executemany("INSERT INTO file_keys VALUES (?, ?, ?)", keys())
        self.db.execute("COMMIT")

    def add_clips(self, clips: Iterable[CatalogueClip]) -> None:
        def keys() -> Iterator[tuple[int, bytes, bytes]]:
            for clip, url in self.db.execute("SELECT id, old_url FROM clips"):
                yield from ((n, k, clip) for n, k in enumerate(names.keys_of_address(url or ""), 1))

        self.db.execute("BEGIN")
        self.db.executemany("INSERT INTO clips VALUES (?, ?, ?, ?)", map(_clip_row, clips))
        self.db.executemany("INSERT INTO clip_keys VALUES (?, ?, ?)", keys())
        self.db.execute("COMMIT")

    def note(self, path: bytes, line: Line) -> None:
        """What became of a file; the last word counts."""
        self.db.execute("INSERT OR REPLACE INTO results VALUES (?, ?)", (path, json.dumps(line)))

    def lines(self) -> Iterator[tuple[bytes, Line]]:
        """Every note, in the order of paths."""
        for path, line in self.db.execute("SELECT path, line FROM results ORDER BY path"):
            yield path, json.loads(line)

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _file_row(found: Found) -> tuple[object, ...]:
    name = names.parsed(found.path)
    return (
        found.path,
        found.size,
        name.kind,
        name.spelled and name.spelled.bytes,
        name.stem,
        name.is_thumbnail,
        found.problem,
        found.detail,
    )


def _clip_row(clip: CatalogueClip) -> tuple[object, ...]:
    return (clip.id.bytes, clip.video_id.bytes, clip.blob_name, clip.old_url)
