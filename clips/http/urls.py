"""The addresses that answers tell: complete, and on the host by which the caller came."""

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlencode, urlsplit

import azure.functions as func

from shared.errors import FieldError, InvalidRequest

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?")
# What the app itself may be called by: also an address, or a name of some private network.
_OWN_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


def here(request: func.HttpRequest, path: str) -> str:
    """The address of a path of the API.

    Front Door asks by the app's own name, where callers may be shut out, and tells theirs in a
    header. Who makes that header up is told what they made up, and nobody else is: answers are
    kept by nobody. Always https but on loopback: where a proxy ends TLS a call looks like http.
    Raises InvalidRequest if the call names no host.
    """
    asked = _asked(request)
    if asked.hostname in _LOOPBACK:
        return f"{asked.scheme}://{asked.netloc}{path}"
    forwarded = request.headers.get("x-forwarded-host") or ""
    return f"https://{forwarded if _HOST.fullmatch(forwarded) else asked.netloc}{path}"


def here_with(request: func.HttpRequest, changed: Mapping[str, str]) -> str:
    """The address of the request itself, with some of its query changed."""
    query = urlencode(dict(request.params) | dict(changed))
    return here(request, f"{path_of(request)}?{query}")


def path_of(request: func.HttpRequest) -> str:
    """The path of the request, as it stood in its address; raises InvalidRequest as `here`."""
    return _asked(request).path


def _asked(request: func.HttpRequest) -> SplitResult:
    """The address that was called, whose host is what the caller wrote into a header.

    The header is looked at too: what stands behind a slash in it looks like our path.
    """
    url: str = request.url
    try:
        asked = urlsplit(url)
    except ValueError as error:  # half an IPv6 address
        raise _no_host() from error
    told = request.headers.get("host") or asked.netloc
    if not (_OWN_HOST.fullmatch(told) and _OWN_HOST.fullmatch(asked.netloc)):
        raise _no_host()
    return asked


def _no_host() -> InvalidRequest:
    field = FieldError("must be the name or address of a host", parameter="Host")
    return InvalidRequest("Look at: the header Host.", (field,))
