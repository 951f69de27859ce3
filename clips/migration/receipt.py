"""The receipt: a JSON line for every file and clip, a summary, and what is safe to delete.

The same files and clips give the same receipt, byte for byte: it has no times, and its lines
are in the order of paths. It is written to a temporary file, which then replaces the old one.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from clips.migration.old_files import old_address
from clips.migration.outcomes import (
    ClipWithoutFile,
    DuplicateFile,
    FailedFile,
    Outcome,
    PlanItem,
    UnmatchedFile,
    VerifiedFile,
)
from clips.transfer.faults import system_message

type Json = dict[str, object]


class LineKind(StrEnum):
    """docs/migration.md explains them."""

    VERIFIED = "verified"
    DUPLICATE = "duplicate"
    FAILED = "failed"
    UNMATCHED = "unmatched"
    NO_FILE = "no_file"
    PLANNED = "planned"


class Unwritable(Exception):
    """Receipt or summary cannot be written; the clips are not affected."""


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """A rendered line; `path` is that of its file, empty for a clip without a file."""

    path: bytes
    verdict: str
    verified_bytes: int
    safe_to_delete: bool
    text: str


@dataclass(slots=True)
class Summary:
    """The number of lines of each verdict, and of bytes verified."""

    verdicts: Counter[str] = field(default_factory=Counter)
    bytes_verified: int = 0

    def add(self, line: ReceiptLine) -> None:
        self.verdicts[line.verdict] += 1
        self.bytes_verified += line.verified_bytes

    def counts(self) -> Mapping[str, int]:
        counts = {verdict.value: self.verdicts[verdict] for verdict in LineKind}
        return counts | {"bytes_verified": self.bytes_verified}


def render(result: Outcome | PlanItem | ClipWithoutFile) -> ReceiptLine:
    """The line for the result of a file, for a planned file, or for a clip."""
    match result:
        case VerifiedFile():
            line = _verified(result, LineKind.VERIFIED)
            return _line(result.path, line, verified_bytes=result.size)
        case DuplicateFile():
            return _line(result.path, _duplicate(result))
        case FailedFile():
            return _line(result.path, _failed(result))
        case UnmatchedFile():
            return _line(result.path, _unmatched(result))
        case PlanItem():
            return _line(result.path, _planned(result))
        case ClipWithoutFile():
            return _line(b"", _clip_without_file(result))


def write(
    report: Path | None, lines: Iterable[ReceiptLine], root: bytes, *, complete: bool
) -> Summary:
    """Sums up the lines, and writes the receipt if there is a `report`; raises Unwritable.

    Beside it goes the list of files that are safe to delete: full paths, each ended by a NUL.
    """
    summary = Summary()
    if report is None:
        for line in lines:
            summary.add(line)
        return summary
    target, target_list, new, new_list = files_of(report)
    try:
        with new.open("w", encoding="ascii") as text, new_list.open("wb") as safe:
            for line in lines:
                summary.add(line)
                text.write(line.text + "\n")
                if line.safe_to_delete:
                    safe.write(os.path.join(root, line.path) + b"\0")
            text.write(json.dumps({"summary": summary.counts(), "complete": complete}) + "\n")
        new_list.replace(target_list)
        new.replace(target)
    except OSError as error:
        message = f"The receipt cannot be written: {system_message(error)}."
        raise Unwritable(message) from error
    finally:
        # Half a receipt would take space on a full disk.
        for unfinished in (new, new_list):
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
    return summary


def files_of(report: Path | None) -> Sequence[Path]:
    """Full paths: the receipt, the list beside it, and both while they are written."""
    if report is None:
        return ()
    full = Path(os.path.abspath(report))
    named = (full, full.with_name(f"{full.name}.safe-to-delete"))
    return (*named, *(path.with_name(f"{path.name}.new") for path in named))


def _line(path: bytes, line: Json, verified_bytes: int = 0) -> ReceiptLine:
    verdict, safe = str(line["verdict"]), bool(line.get("safe_to_delete"))
    return ReceiptLine(path, verdict, verified_bytes, safe, json.dumps(line))


def _verified(file: VerifiedFile, verdict: LineKind) -> Json:
    return {
        **_item(file.item),
        "verdict": verdict,
        "size": file.size,
        "sha256": file.sha256,
        "md5": file.md5,
        "blob": file.item.blob_name,
        "etag": file.etag,
        "safe_to_delete": file.item.url is None,
    }


def _duplicate(file: DuplicateFile) -> Json:
    return {
        **_verified(file.verified, LineKind.DUPLICATE),
        "path": os.fsdecode(file.path),
        "duplicate_of": os.fsdecode(file.verified.path),
    }


def _failed(file: FailedFile) -> Json:
    return {
        **_item(file.item),
        **({} if file.item.url else {"path": os.fsdecode(file.path)}),
        "verdict": LineKind.FAILED,
        "size": file.item.size,
        "code": file.code,
        "detail": file.detail,
        "safe_to_delete": False,
    }


def _unmatched(file: UnmatchedFile) -> Json:
    return {
        "path": os.fsdecode(file.path),
        "verdict": LineKind.FAILED if file.is_unreadable else LineKind.UNMATCHED,
        "size": file.size,
        "code": file.code,
        "detail": file.detail,
        "safe_to_delete": False,
    }


def _planned(item: PlanItem) -> Json:
    return {
        **_item(item),
        "verdict": LineKind.PLANNED,
        "size": item.size,
        "blob": item.blob_name,
        "in_storage": item.already_stored,
        "twins": [os.fsdecode(path) for path in item.duplicates],
    }


def _clip_without_file(clip: ClipWithoutFile) -> Json:
    return {
        "clip_id": str(clip.clip_id),
        "video_id": str(clip.video_id),
        "verdict": LineKind.NO_FILE,
        "old_url": clip.old_url and old_address.parse(clip.old_url).shown,
    }


def _item(item: PlanItem) -> Json:
    url = item.url and old_address.parse(item.url).shown
    return {
        **({"url": url} if url else {"path": os.fsdecode(item.path)}),
        "kind": item.kind,
        "clip_id": str(item.clip_id),
        "video_id": str(item.video_id),
    }
