"""What became of every file and clip: lines of JSON, a summary, and what may be deleted here.

The same files and clips give the same receipt, byte for byte: there are no times in it, and the
lines come in the order of paths. It is written beside its name and takes its place as a whole.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from clips.migration.items import Fileless, Item, LeftOver, Line
from clips.migration.ledger import Ledger
from clips.migration.move import Verified
from clips.transfer.faults import reason


class Verdict(StrEnum):
    """What a line says; docs/migration.md explains them."""

    VERIFIED = "verified"
    DUPLICATE = "duplicate"
    FAILED = "failed"
    UNMATCHED = "unmatched"
    NO_FILE = "no_file"
    PLANNED = "planned"


class Unwritable(Exception):
    """There is no room for what a run has to tell: the clips are none the worse for it."""


@dataclass(slots=True)
class Summary:
    """How many lines there are of each verdict, and how many bytes were verified."""

    verdicts: Counter[str] = field(default_factory=Counter)
    bytes_verified: int = 0

    def add(self, line: Line) -> None:
        self.verdicts[str(line["verdict"])] += 1
        if line["verdict"] == Verdict.VERIFIED:
            self.bytes_verified += int(str(line["size"]))

    def counts(self) -> Mapping[str, int]:
        counts = {verdict.value: self.verdicts[verdict] for verdict in Verdict}
        return counts | {"bytes_verified": self.bytes_verified}


def verified_line(result: Verified) -> Line:
    return {
        **_about(result.item),
        "verdict": Verdict.VERIFIED,
        "size": result.size,
        "sha256": result.sha256,
        "md5": result.md5,
        "blob": result.item.blob_name,
        "etag": result.etag,
        "safe_to_delete": result.item.url is None,
    }


def duplicate_line(result: Verified, path: bytes) -> Line:
    """Of a file that holds the same bytes as the one that was moved."""
    return {
        **verified_line(result),
        "path": os.fsdecode(path),
        "verdict": Verdict.DUPLICATE,
        "duplicate_of": os.fsdecode(result.item.path),
    }


def failed_line(item: Item, path: bytes, code: str, detail: str) -> Line:
    """Of the item's own file, or of one of its twins."""
    return {
        **_about(item),
        **({} if item.url else {"path": os.fsdecode(path)}),
        "verdict": Verdict.FAILED,
        "size": item.size,
        "code": code,
        "detail": detail,
        "safe_to_delete": False,
    }


def planned_line(item: Item) -> Line:
    return {
        **_about(item),
        "verdict": Verdict.PLANNED,
        "size": item.size,
        "blob": item.blob_name,
        "in_storage": item.there,
        "twins": [os.fsdecode(path) for path in item.twins],
    }


def left_over_line(file: LeftOver) -> Line:
    return {
        "path": os.fsdecode(file.path),
        "verdict": Verdict.FAILED if file.is_unseen else Verdict.UNMATCHED,
        "size": file.size,
        "code": file.code,
        "detail": file.detail,
        "safe_to_delete": False,
    }


def fileless_line(clip: Fileless) -> Line:
    return {
        "clip_id": str(clip.clip_id),
        "video_id": str(clip.video_id),
        "verdict": Verdict.NO_FILE,
        "old_url": clip.old_url and without_query(clip.old_url),
    }


def lines(ledger: Ledger, fileless: Iterable[Fileless]) -> Iterator[tuple[bytes, Line]]:
    """Every line, and the path of the file that it is about: files first, then clips without."""
    yield from ledger.lines()
    for clip in fileless:
        yield b"", fileless_line(clip)


def write(
    report: Path | None,
    entries: Iterable[tuple[bytes, Line]],
    root: bytes,
    *,
    complete: bool,
) -> Summary:
    """Sums up, and writes the receipt where one is wanted; raises Unwritable.

    Beside it go the paths of files that may be deleted, each ended by a NUL.
    """
    summary = Summary()
    if report is None:
        for _, line in entries:
            summary.add(line)
        return summary
    target, target_list, new, new_list = files_of(report)
    try:
        with new.open("w", encoding="ascii") as text, new_list.open("wb") as safe:
            for path, line in entries:
                summary.add(line)
                text.write(json.dumps(line) + "\n")
                if line.get("safe_to_delete"):
                    safe.write(os.path.join(root, path) + b"\0")
            text.write(json.dumps({"summary": summary.counts(), "complete": complete}) + "\n")
        new_list.replace(target_list)
        new.replace(target)
    except OSError as error:
        raise Unwritable(f"The receipt cannot be written: {reason(error)}.") from error
    finally:
        # Half a receipt would only take up room, where there is none as it is.
        for unfinished in (new, new_list):
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
    return summary


def files_of(report: Path | None) -> Sequence[Path]:
    """By their full names: the receipt, the list beside it, and both while they are written."""
    if report is None:
        return ()
    full = Path(os.path.abspath(report))
    named = (full, full.with_name(f"{full.name}.safe-to-delete"))
    return (*named, *(path.with_name(f"{path.name}.new") for path in named))


def without_query(address: str) -> str:
    """An address as it may be written down: a query can be a signature, a name a password."""
    try:
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "malformed"
    return parts._replace(netloc=host, query="", fragment="").geturl()


def _about(item: Item) -> dict[str, object]:
    where = {"url": without_query(item.url)} if item.url else {"path": os.fsdecode(item.path)}
    return {
        **where,
        "kind": item.kind,
        "clip_id": str(item.clip_id),
        "video_id": str(item.video_id),
    }
