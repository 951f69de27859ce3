"""Reads a page of a listing as storage sends it: names at once, everything else when asked for.

Pure. A library of a million clips is a listing of millions of blobs. The SDK makes half a dozen
objects of each, which takes 0.4 ms of CPU; a name read here takes a microsecond.
https://learn.microsoft.com/rest/api/storageservices/list-blobs
"""

import re
from collections.abc import Mapping
from functools import cached_property
from urllib.parse import unquote

from shared.errors import StorageUnavailable
from shared.model.blob import Blob, rehydrating_at
from shared.storage.http_dates import moment_of

_BLOB = "<Blob>"
_NAME = "<Name>"
# A name with characters that XML cannot hold is sent in the encoding of URLs.
_ENCODED_NAME = '<Name Encoded="true">'
_MARKER = re.compile(r"<NextMarker>([^<]*)</NextMarker>")
_METADATA = re.compile(r"<([^\s</>]+)(?: [^<>]*)?>([^<]*)</")
_REFERENCE = re.compile(r"&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|(lt|gt|amp|quot|apos));")
_CHARACTERS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}


class ListedPage:
    """Blobs in the order of the listing; no `marker`: the last page."""

    def __init__(self, body: bytes) -> None:
        """Raises StorageUnavailable for an answer that is not of storage, as a proxy's page is."""
        text = body.decode("utf-8-sig", errors="replace")
        if "<EnumerationResults" not in text or not text.rstrip().endswith("</EnumerationResults>"):
            raise StorageUnavailable("The storage account does not respond correctly.")
        before, *self._parts = text.split(_BLOB)
        end = self._parts[-1] if self._parts else before
        found = _MARKER.search(end)
        self.marker = _unescaped(found[1]) or None if found else None

    @cached_property
    def names(self) -> list[str]:
        return [_name(part) for part in self._parts]

    @cached_property
    def blobs(self) -> list[Blob]:
        return [_blob(part) for part in self._parts]


def _name(part: str) -> str:
    if part.startswith(_NAME):
        return _unescaped(part[len(_NAME) : part.index("</")])
    if part.startswith(_ENCODED_NAME):
        return unquote(_unescaped(part[len(_ENCODED_NAME) : part.index("</")]))
    raise StorageUnavailable("The storage account does not respond correctly: no name.")


def _blob(part: str) -> Blob:
    properties, _, rest = part.partition("</Properties>")
    try:
        return Blob(
            name=_name(part),
            etag=_required(properties, "<Etag>").strip('"'),
            size=int(_required(properties, "<Content-Length>")),
            last_modified=moment_of(_required(properties, "<Last-Modified>")),
            content_type=_text(properties, "<Content-Type>"),
            content_md5=_text(properties, "<Content-MD5>"),
            access_tier=_text(properties, "<AccessTier>"),
            rehydrating=rehydrating_at(
                _text(properties, "<ArchiveStatus>"), _text(properties, "<RehydratePriority>")
            ),
            metadata=_metadata(rest),
        )
    except ValueError as error:
        raise StorageUnavailable("The storage account does not respond correctly.") from error


def _metadata(rest: str) -> Mapping[str, str]:
    inner = rest.partition("<Metadata>")[2].partition("</Metadata>")[0]
    return {name: _unescaped(value) for name, value in _METADATA.findall(inner)} if inner else {}


def _required(properties: str, tag: str) -> str:
    value = _text(properties, tag)
    if value is None:
        raise ValueError(tag)
    return value


def _text(properties: str, tag: str) -> str | None:
    """The content of the element that begins with a tag; None if it is empty or absent.

    No text can be mistaken for a tag: storage escapes each `<` in it.
    """
    start = properties.find(tag)
    if start < 0:
        return None
    start += len(tag)
    return _unescaped(properties[start : properties.index("<", start)]) or None


def _unescaped(text: str) -> str:
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    in_hexadecimal, in_decimal, name = found.groups()
    if name:
        return _CHARACTERS[name]
    return chr(int(in_hexadecimal, 16) if in_hexadecimal else int(in_decimal))
