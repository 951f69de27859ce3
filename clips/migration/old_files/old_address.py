r"""Reads the old address of a clip: which file it names, and which URL it can be fetched from.

Pure. The old service wrote addresses in several ways, and not every one of them was encoded:

    s3://bucket/key       everything behind the bucket is the key, as it is
    https://host/path     percent-encoded, or a key that was appended to the host as it is
    file:///path          the same
    /path, C:\path         as it is

A key that was appended as it is may contain `?` and `#`, which otherwise end the path.

Some addresses have a second reading, which counts only where no file matches the first: S3 reads
a `+` in the path of a URL as a space, and a key with escapes of bytes beyond ASCII was encoded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from shared import blob_names
from shared.model import media_types

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.IGNORECASE)
_S3 = {"s3", "s3a", "s3n"}
# Schemes whose addresses name an object by its key, which is not encoded.
_KEYS = _S3 | {"gs"}
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, and older ones.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]*", re.IGNORECASE)
# Without a bucket in the host, the path begins with it:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
_S3_HOST = re.compile(r"(?:(?P<bucket>.+)\.)?s3(?:[.-][a-z0-9.-]*)?\.amazonaws\.com(?:\.cn)?")

_PAIR = re.compile(r"[^=&?#/\s]+=")
_SIGNED = re.compile(
    r"(?:^|[?&])(?:X-Amz-[a-z-]+|AWSAccessKeyId|Signature|response-content-[a-z]+|versionId)=",
    re.IGNORECASE,
)
# Escapes of bytes beyond ASCII. A key may contain a literal %20 or %25, but hardly a literal
# %C3%A9.
_ESCAPES = re.compile(r"%[89a-f][0-9a-f]", re.IGNORECASE)
_LONE_PERCENT = re.compile(r"%(?![0-9a-f]{2})", re.IGNORECASE)
# Characters that a path or a query may hold unencoded (RFC 3986), and the % of encoded ones.
_PATH = "/%:@!$&'()*+,;=~"
_QUERY = _PATH + "?[]|{}^`\\"


@dataclass(frozen=True, slots=True)
class OldAddress:
    """`names` are paths of files, the literal one first; bytes that are not UTF-8 are surrogates.

    `url` is the address to fetch from, encoded; None if it is not an address of the web.
    `shown` is the address without passwords, signatures and fragments, for receipts.
    """

    names: tuple[str, ...]
    url: str | None
    shown: str


def parse(address: str) -> OldAddress:
    scheme, separator, rest = address.lstrip().partition("://")
    if not separator or not _SCHEME.fullmatch(scheme):
        return OldAddress((address.replace("\\", "/"),), None, _without_signature(address))
    if scheme.lower() in _KEYS:
        return _object(scheme, rest)
    return _url(scheme, rest.rstrip())


def _object(scheme: str, rest: str) -> OldAddress:
    bucket, slash, key = rest.partition("/")
    shown = _without_signature(f"{scheme}://{_without_user(bucket)}{slash}{key}")
    if not key:
        return OldAddress((), None, shown)
    is_fetchable = scheme.lower() in _S3 and _BUCKET.fullmatch(bucket)
    # A bucket with dots in its name has no certificate for this form of the address.
    url = f"https://{bucket}.s3.amazonaws.com/{quote(key)}" if is_fetchable else None
    names = (key, unquote(key, errors="surrogateescape")) if _ESCAPES.search(key) else (key,)
    return OldAddress(names, url, shown)


def _url(scheme: str, rest: str) -> OldAddress:
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    tail = rest[len(host) :]
    try:
        hostname = urlsplit(f"{scheme}://{host}").hostname or ""
    except ValueError:  # half an IPv6 address
        return OldAddress((), None, "malformed")
    path, query = _split(tail)
    location = _encoded(path, _PATH)
    is_web = scheme.lower() in {"http", "https"} and host
    url = f"{scheme}://{host}{location}{_encoded(query, _QUERY)}" if is_web else None
    # A query that was read as a part of the name may still be a secret.
    shown = re.split(r"[?#](?=[^=&?#/\s]+=)", path, maxsplit=1)[0]
    names = tuple(_names(path, _S3_HOST.fullmatch(hostname)))
    return OldAddress(names, url, f"{scheme}://{_without_user(host)}{shown}")


def _split(tail: str) -> tuple[str, str]:
    """The path, and the query with its `?`. A `?` or `#` may also be a part of a file's name."""
    for mark in re.finditer(r"[?#]", tail):
        path, rest = tail[: mark.start()], tail[mark.end() :]
        if _ends_path(path, rest):
            query = rest.partition("#")[0] if mark[0] == "?" else ""
            return path, f"?{query}" if query else ""
    return tail, ""


def _ends_path(path: str, rest: str) -> bool:
    """Whether `rest` is a query or a fragment, by the extensions of what may be the name."""
    is_whole_media = _is_media(f"name{rest}")
    if _is_media(path):
        return not is_whole_media or bool(_PAIR.match(rest))
    return bool(_PAIR.match(rest) and (not is_whole_media or _SIGNED.search(rest)))


def _names(text: str, s3: re.Match[str] | None) -> Iterator[str]:
    if s3 and not s3["bucket"]:
        text = text.lstrip("/").partition("/")[2]
    text = text.replace("\\", "/")
    yield unquote(text, errors="surrogateescape")
    if s3 and "+" in text:
        # S3 reads a + in a path as a space, and some clients write a space as +.
        yield unquote(text.replace("+", " "), errors="surrogateescape")


def _is_media(text: str) -> bool:
    return media_types.is_media(blob_names.extension_of(unquote(text)))


def _encoded(text: str, safe: str) -> str:
    """Encodes characters that a URL must not hold; encoded ones stay as they are."""
    return quote(_LONE_PERCENT.sub("%25", text), safe=safe)


def _without_user(host: str) -> str:
    return host.rpartition("@")[2]


def _without_signature(address: str) -> str:
    return address.partition("?")[0] if _SIGNED.search(address) else address
