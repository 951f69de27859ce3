"""A run's own book: files, clips and what became of each, in a SQLite file that goes with the run.

On disk, so that memory stays flat however many files and clips there are; without a name, so
that nothing is left of it by a run that is killed. It is used from one thread. Paths are bytes
and come in their order.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from clips.migration import names
from clips.migration.items import Line
from clips.migration.names import Kind
from clips.migration.scan import Found
from shared.catalogue.migration_clip_queries import CatalogueClip

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

# What SQLite answers where it is the disk that fails; all else is a fault of ours. Without a
# journal, a write that failed half-way may show as corruption later.
_OF_THE_DISK = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
}
_PRIMARY_CODE = 0xFF
_NONE: Mapping[str, object] = {}

type Parameters = Mapping[str, object]


class LedgerLost(Exception):
    """The disk has no room for the ledger, or fails: what is in it counts for nothing."""


class Ledger:
    """Raises LedgerLost, wherever it is written or read."""

    def __init__(self) -> None:
        with _disk():
            # No name: a file in the system's folder for such, deleted as soon as it is open.
            # https://www.sqlite.org/inmemorydb.html#temp_db
            self._db = sqlite3.connect("", autocommit=True)
            self._db.executescript(_SCHEMA)

    def add_files(self, found: Iterable[Found]) -> None:
        def keys() -> Iterator[tuple[int, bytes, bytes]]:
            for path, kind in self.rows("SELECT path, kind FROM files WHERE problem IS NULL"):
                if kind != Kind.IMAGE:
                    yield from ((n, k, path) for n, k in enumerate(names.keys_of_path(path), 1))

        with self._at_once():
            self._db.executemany(
                "INSERT OR IGNORE INTO files (path, size, kind, spelled, stem, is_thumbnail,"
                " problem, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                map(_file_row, found),
            )
            self._db.executemany("INSERT INTO file_keys VALUES (?, ?, ?)", keys())

    def add_clips(self, clips: Iterable[CatalogueClip]) -> None:
        def keys() -> Iterator[tuple[int, bytes, bytes]]:
            for clip, url in self.rows("SELECT id, old_url FROM clips"):
                yield from ((n, k, clip) for n, k in enumerate(names.keys_of_address(url or ""), 1))

        with self._at_once():
            self._db.executemany("INSERT INTO clips VALUES (?, ?, ?, ?)", map(_clip_row, clips))
            self._db.executemany("INSERT INTO clip_keys VALUES (?, ?, ?)", keys())

    def note(self, path: bytes, line: Line) -> None:
        """What became of a file; the last word counts."""
        text = json.dumps(line)
        self.run(
            "INSERT OR REPLACE INTO results VALUES (:path, :line)", {"path": path, "line": text}
        )

    def lines(self) -> Iterator[tuple[bytes, Line]]:
        """Every note, in the order of paths."""
        for path, line in self.rows("SELECT path, line FROM results ORDER BY path"):
            yield path, json.loads(line)

    def run(self, statement: str, parameters: Parameters = _NONE) -> None:
        with _disk():
            self._db.execute(statement, parameters)

    def rows(self, query: str, parameters: Parameters = _NONE) -> Iterator[tuple[Any, ...]]:
        with _disk():
            # `yield from` would close the cursor in the end, when the ledger may be closed.
            for row in self._db.execute(query, parameters):  # noqa: UP028  # see above
                yield row

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        """Many rows are written in a fraction of the time if they are one transaction."""
        with _disk():
            self._db.execute("BEGIN")
            yield
            self._db.execute("COMMIT")

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _disk() -> Iterator[None]:
    """Tells what the disk is to blame for from faults of ours."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & _PRIMARY_CODE not in _OF_THE_DISK:
            raise
        folder = "the folder for temporary files (TMPDIR)"
        raise LedgerLost(f"The notes of the run cannot be kept in {folder}: {error}.") from error


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
