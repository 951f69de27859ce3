"""Splits the address of a blob into a container and a name, as Azure's own client does.

Source: BlobUriBuilder of Azure.Storage.Blobs with .NET's Uri, observed with the forms of addresses
in tests/local/test_blob_addresses.py. Knows nothing of events or triggers.
"""

import re
from urllib.parse import unquote

_ADDRESS = re.compile(r"https?://(?P<host>\[[^\]]*\]|[^/?#:\\]*)(?::(?P<port>\d+))?(?P<path>[^?]*)")
_IP_ADDRESS = re.compile(r"\[.*\]|\d{1,3}(?:\.\d{1,3}){3}")
_ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")

# The ports of emulators, where the account comes first in the path, with any host name.
_PATH_STYLE_PORTS = {
    *range(10000, 10005),
    *range(10100, 10105),
    *range(11000, 11005),
    *range(11100, 11105),
}


def container_and_name(address: str) -> tuple[str, str]:
    """The container and the name of the blob at an address; raises ValueError for a relative one.

    Resolves dots in the path and removes slashes at both ends of the name. Percent signs that begin
    no UTF-8 character stay as they are.
    """
    found = _ADDRESS.match(address)
    if found is None:
        raise ValueError(f"no absolute address: {address}")
    path = _without_dots(found["path"].replace("\\", "/").removeprefix("/"))
    is_path_style = int(found["port"] or 0) in _PATH_STYLE_PORTS
    if is_path_style or _IP_ADDRESS.fullmatch(found["host"]):
        path = path.partition("/")[2]
    container, _, name = path.partition("/")
    return _decoded(container), _decoded(name.strip("/"))


def _without_dots(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")
    for position, segment in enumerate(segments):
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
            continue
        if position == len(segments) - 1:
            kept.append("")  # a path that ends with dots names a folder
    return "/".join(kept)


def _decoded(text: str) -> str:
    def decode(match: re.Match[str]) -> str:
        try:
            return unquote(match[0], errors="strict")
        except UnicodeDecodeError:
            return match[0]

    return _ENCODED.sub(decode, text)
