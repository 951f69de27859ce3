"""Writes the bytes of a sidecar, and checks those that are read. Pure."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from clips.sidecars.records import FORMAT, ClipRecord, Record, SourceRecord, VideoRecord
from shared.model.media import Media
from shared.model.playability import Playback
from shared.model.sidecar import SidecarKey, SidecarKind

LARGEST = 256 * 1024  # bytes; the largest that the service writes has a few thousand

_NUL_ESCAPE = b"\\u0000"  # Postgres stores it in no text and in no JSON

_MODELS: dict[SidecarKind, type[ClipRecord | SourceRecord | VideoRecord]] = {
    SidecarKind.CLIP: ClipRecord,
    SidecarKind.SOURCE: SourceRecord,
    SidecarKind.VIDEO: VideoRecord,
}
_MEDIA = TypeAdapter(Media)
_PLAYBACK = TypeAdapter(Playback)
_ANY: TypeAdapter[Any] = TypeAdapter(Any)


class Unreadable(Exception):
    """A sidecar cannot be used; `code` is one of docs/rebuild.md."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class _Form(BaseModel):
    model_config = ConfigDict(extra="ignore")

    format: int


def render(kind: SidecarKind, row: dict[str, Any]) -> bytes:
    """The sidecar of a row; the row has been checked by the database, and is not checked again."""
    shown = {"format": FORMAT, "kind": kind, **row}
    if shown.get("s3_url"):
        shown["s3_url"] = _without_secrets(shown["s3_url"])
    return _ANY.dump_json(shown, indent=1)


def parse(key: SidecarKey, data: bytes) -> Record:
    """The checked content of the sidecar of that key; raises Unreadable."""
    if _NUL_ESCAPE in data:
        raise Unreadable("invalid", "It holds a NUL character.")
    try:
        form = _Form.model_validate_json(data)
        if form.format != FORMAT:
            raise Unreadable("unknown_format", f"Its format is {form.format}, not {FORMAT}.")
        record = _MODELS[key.kind].model_validate_json(data)
    except ValidationError as error:
        raise Unreadable("invalid", _first_problem(error)) from error
    if record.key() != key:
        raise Unreadable("invalid", "Its name is that of another row.")
    return record


def is_media_block(value: dict[str, Any] | None) -> bool:
    """Whether responses can show it; otherwise the ingest makes it again."""
    return _fits(_MEDIA, value)


def is_playback_block(value: dict[str, Any] | None) -> bool:
    return _fits(_PLAYBACK, value)


def _fits(shape: TypeAdapter[Any], value: dict[str, Any] | None) -> bool:
    try:
        shape.validate_python(value)
    except ValidationError:
        return False
    return True


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])


def _without_secrets(address: str) -> str:
    """An old address without a password or a signature."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
