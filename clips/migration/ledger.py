"""The notes of one run: files, clips and results, in a SQLite file that is deleted with the run.

It is on disk, so that memory stays flat for any number of files and clips, and has no name, so that
a killed run leaves nothing behind. Used by one thread. Paths are bytes, in the order of bytes.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from clips.migration.old_files import file_names, old_address
from clips.migration.old_files.scan import ScannedFile
from clips.migration.receipt import ReceiptLine
from clips.transfer.file_types import FileKind
from shared.catalogue.migration.migration_clip_queries import CatalogueClip

# `reading` numbers the names that an old address may mean; 0 is the first.
_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -8000;
PRAGMA temp_store = FILE;

CREATE TABLE files (
    path BLOB PRIMARY KEY, size INTEGER, kind TEXT, id_in_name BLOB, stem BLOB,
    is_thumbnail INTEGER, problem TEXT, detail TEXT,
    clip BLOB, fit INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE clips (
    id BLOB PRIMARY KEY, video BLOB, blob_name TEXT, old_url TEXT
) WITHOUT ROWID;
CREATE TABLE file_keys (level INTEGER, key BLOB, path BLOB);
CREATE TABLE clip_keys (reading INTEGER, level INTEGER, key BLOB, clip BLOB);
CREATE TABLE results (
    path BLOB PRIMARY KEY, verdict TEXT, verified_bytes INTEGER, safe_to_delete INTEGER, text TEXT
) WITHOUT ROWID;
"""

# The errors of SQLite when the disk fails. Without a journal, a write that failed half-way may show
# as corruption later.
_DISK_ERRORS = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
}
_PRIMARY_CODE = 0xFF
_NONE: Mapping[str, object] = {}

type Values = Mapping[str, object]


class LedgerLost(Exception):
    """The disk has no room for the ledger, or fails: nothing in it can be relied on."""


class Ledger:
    """Every method that reads or writes raises LedgerLost."""

    def __init__(self) -> None:
        with _disk_errors():
            # No name: a file in the system's folder for such, deleted as soon as it is open.
            # https://www.sqlite.org/inmemorydb.html#temp_db
            self._db = sqlite3.connect("", autocommit=True)
            self._db.executescript(_SCHEMA)

    def add_files(self, files: Iterable[ScannedFile]) -> None:
        with self._transaction():
            self._db.executemany(
                "INSERT OR IGNORE INTO files (path, size, kind, id_in_name, stem, is_thumbnail,"
                " problem, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                map(_file_row, files),
            )
            self._db.executemany("INSERT INTO file_keys VALUES (?, ?, ?)", self._file_keys())

    def add_clips(self, clips: Iterable[CatalogueClip]) -> None:
        with self._transaction():
            self._db.executemany("INSERT INTO clips VALUES (?, ?, ?, ?)", map(_clip_row, clips))
            self._db.executemany("INSERT INTO clip_keys VALUES (?, ?, ?, ?)", self._clip_keys())

    def record(self, line: ReceiptLine) -> None:
        """Records a line of the receipt; a later one of the same path replaces it."""
        self.run(
            "INSERT OR REPLACE INTO results VALUES (:path, :verdict, :bytes, :safe, :text)",
            {
                "path": line.path,
                "verdict": line.verdict,
                "bytes": line.verified_bytes,
                "safe": line.safe_to_delete,
                "text": line.text,
            },
        )

    def lines(self) -> Iterator[ReceiptLine]:
        """Every recorded line, in the order of paths."""
        for path, verdict, verified, safe, text in self.rows("SELECT * FROM results ORDER BY path"):
            yield ReceiptLine(path, verdict, verified, bool(safe), text)

    def run(self, statement: str, values: Values = _NONE) -> None:
        with _disk_errors():
            self._db.execute(statement, values)

    def rows(self, query: str, values: Values = _NONE) -> Iterator[tuple[Any, ...]]:
        with _disk_errors():
            # `yield from` would close the cursor in the end, when the ledger may be closed.
            for row in self._db.execute(query, values):  # noqa: UP028 - see above
                yield row

    def _file_keys(self) -> Iterator[tuple[int, bytes, bytes]]:
        for path, kind in self.rows("SELECT path, kind FROM files WHERE problem IS NULL"):
            if kind != FileKind.IMAGE:
                for level, key in enumerate(file_names.keys_of_path(path), 1):
                    yield level, key, path

    def _clip_keys(self) -> Iterator[tuple[int, int, bytes, bytes]]:
        for clip, url in self.rows("SELECT id, old_url FROM clips WHERE old_url <> ''"):
            for reading, name in enumerate(old_address.parse(url).names):
                for level, key in enumerate(file_names.keys_of_name(name), 1):
                    yield reading, level, key, clip

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Many rows are written in a fraction of the time if they are one transaction."""
        with _disk_errors():
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
def _disk_errors() -> Iterator[None]:
    """Raises LedgerLost for errors of the disk; all others are programming errors."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & _PRIMARY_CODE not in _DISK_ERRORS:
            raise
        folder = "the folder for temporary files (TMPDIR)"
        raise LedgerLost(f"The ledger of the run cannot be stored in {folder}: {error}.") from error


def _file_row(file: ScannedFile) -> tuple[object, ...]:
    name = file_names.parse(file.path)
    return (
        file.path,
        file.size,
        name.kind,
        name.id_in_name and name.id_in_name.bytes,
        name.stem,
        name.is_thumbnail,
        file.problem,
        file.detail,
    )


def _clip_row(clip: CatalogueClip) -> tuple[object, ...]:
    return (clip.id.bytes, clip.video_id.bytes, clip.blob_name, clip.old_url)
