"""What the views of several resources have in common. Pure."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, cast

import orjson

from clips.http.outputs.base import ItemError, Message
from shared.errors import CliplinkError
from shared.model.media import Media, MediaJson


def fields_of(shape: type, *computed: str, **paths: str) -> Callable[[object], dict[str, Any]]:
    """Reads the fields of a shape from attributes of the same names, or at the given paths.

    The `computed` ones are None until the caller sets them.
    """
    empty = dict.fromkeys(shape.__annotations__)
    copied = [name for name in empty if name not in computed]
    read = attrgetter(*(paths.get(name, name) for name in copied))

    def fields(value: object) -> dict[str, Any]:
        # A page has a thousand clips. A copy is not resized as it fills, unlike `dict(zip(...))`.
        filled: dict[str, Any] = empty.copy()
        for name, content in zip(copied, read(value)):  # noqa: B905 - `strict` would double its cost
            filled[name] = content  # noqa: PERF403 - see above
        return filled

    return fields


def message(text: str) -> Message:
    return {"message": text}


def item_error(error: CliplinkError) -> ItemError:
    """Why one of many items failed."""
    return {"code": error.code, "detail": error.detail}


def stored_json(text: str | None) -> orjson.Fragment | None:
    """JSON that goes into the answer as it is stored."""
    return None if text is None else orjson.Fragment(text)


def stored_media(stored: MediaJson | None) -> Media | None:
    """The stored JSON goes into the answer unread; the return type is the type that it holds."""
    return None if stored is None else cast("Media", orjson.Fragment(stored))
