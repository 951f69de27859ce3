"""The addresses that answers tell: complete, and on the host by which the caller came."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import azure.functions as func

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?")


def here(request: func.HttpRequest, path: str) -> str:
    """The address of a path of the API.

    Front Door asks by the app's own name, where callers may be shut out, and tells theirs in a
    header. Who makes that header up is told what they made up, and nobody else is: answers are
    kept by nobody. Always https but on loopback: where a proxy ends TLS a call looks like http.
    """
    asked = urlsplit(request.url)
    if asked.hostname in _LOOPBACK:
        return f"{asked.scheme}://{asked.netloc}{path}"
    forwarded = request.headers.get("x-forwarded-host") or ""
    return f"https://{forwarded if _HOST.fullmatch(forwarded) else asked.netloc}{path}"


def here_with(request: func.HttpRequest, changed: Mapping[str, str]) -> str:
    """The address of the request itself, with some of its query changed."""
    query = urlencode(dict(request.params) | dict(changed))
    return here(request, f"{urlsplit(request.url).path}?{query}")
