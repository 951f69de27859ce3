"""Lines of reports as JSON lines, in an append blob. Pure."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.model.drift import DriftAction, DriftJson, DriftKind, DriftLine


@dataclass(frozen=True, slots=True)
class RepairedLine:
    """A line and the result of its repair; `reason` says why it is not repaired."""

    line: DriftJson
    result: str
    reason: str | None


def as_json(line: DriftLine) -> DriftJson:
    return {
        "kind": line.kind,
        "clip_id": None if line.clip_id is None else str(line.clip_id),
        "video_id": None if line.video_id is None else str(line.video_id),
        "container": line.container,
        "blob": line.blob,
        "detail": line.detail,
        "action": line.action,
        "by": None if line.by is None else line.by.isoformat(),
    }


def repaired_as_json(repaired: RepairedLine) -> DriftJson:
    return repaired.line | {"result": repaired.result, "reason": repaired.reason}


def encode(lines: Iterable[DriftJson]) -> bytes:
    """JSON lines in UTF-8; what cannot be written in it is escaped."""
    return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)


def decode(data: bytes) -> Iterator[tuple[int, DriftLine, DriftJson]]:
    """The complete lines of a piece of a report, each with the offset of its end."""
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        value = json.loads(data[start:end])
        start = end + 1
        yield start, _line(value), value


def _line(value: DriftJson) -> DriftLine:
    by = value["by"]
    return DriftLine(
        kind=DriftKind(str(value["kind"])),
        container=str(value["container"]),
        blob=None if value["blob"] is None else str(value["blob"]),
        video_id=_id(value["video_id"]),
        clip_id=_id(value["clip_id"]),
        detail=str(value["detail"]),
        action=None if value["action"] is None else DriftAction(str(value["action"])),
        by=None if by is None else datetime.fromisoformat(str(by)),
    )


def _id(value: object) -> UUID | None:
    return None if value is None else UUID(str(value))
