"""Absolute URLs for responses: below PUBLIC_URL or, without it, on the host that was called."""

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlencode, urlsplit

import azure.functions as func

from shared.errors import FieldError, InvalidRequest

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?")
# The app itself may also be reached by an IP address or a name of some private network.
_OWN_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


def absolute(request: func.HttpRequest, path: str, public_url: str | None) -> str:
    """The absolute URL of a path of the API; raises InvalidRequest if the request names no host.

    With `public_url` no header is read. Without it, X-Forwarded-Host goes before Host: Front Door
    sends the caller's host name in it. A forged header misleads only its sender, as responses are
    not cached. Always https except on loopback: behind a proxy that ends TLS, a request looks
    like http.
    """
    if public_url is not None:
        return f"{public_url}{path}"
    requested = _requested(request)
    if requested.hostname in _LOOPBACK:
        return f"{requested.scheme}://{requested.netloc}{path}"
    forwarded = request.headers.get("x-forwarded-host") or ""
    return f"https://{forwarded if _HOST.fullmatch(forwarded) else requested.netloc}{path}"


def with_query(
    request: func.HttpRequest, changed: Mapping[str, str], public_url: str | None
) -> str:
    """The URL of the request itself with some query parameters set; raises as `absolute`."""
    query = urlencode(dict(request.params) | dict(changed))
    return absolute(request, f"{path_of(request)}?{query}", public_url)


def path_of(request: func.HttpRequest) -> str:
    """The path of the request as it was sent; raises as `absolute`."""
    return _requested(request).path


def _requested(request: func.HttpRequest) -> SplitResult:
    """The URL that was requested; its host is what the caller sent in the Host header.

    The header is checked too: with a slash in it, a part of it would count as the path.
    """
    url: str = request.url
    try:
        requested = urlsplit(url)
    except ValueError as error:  # half an IPv6 address
        raise _no_host() from error
    host = request.headers.get("host") or requested.netloc
    if not (_OWN_HOST.fullmatch(host) and _OWN_HOST.fullmatch(requested.netloc)):
        raise _no_host()
    return requested


def _no_host() -> InvalidRequest:
    field = FieldError("must be the name or address of a host", parameter="Host")
    return InvalidRequest("Invalid fields: the header Host.", (field,))
