"""Owns the CORS headers that let pages of other origins call the functions."""

from collections.abc import Mapping

type Headers = list[tuple[bytes, bytes]]


class Cors:
    """Allows the origins of `Host.CORS` in local.settings.json; `*` allows all of them."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._all = "*" in origins
        self._origins = {origin.rstrip("/").lower() for origin in origins}

    def preflight(
        self, method: str, headers: Mapping[str, str]
    ) -> tuple[int, Headers, bytes] | None:
        """The answer to a browser's preflight request; None for any other request."""
        wanted_method = headers.get("access-control-request-method")
        if method != "OPTIONS" or not wanted_method:
            return None
        allowed = self.headers(headers["origin"])
        if not allowed:
            return 204, [], b""
        fields = [*allowed, (b"access-control-allow-methods", wanted_method.encode("latin-1"))]
        if wanted_headers := headers.get("access-control-request-headers"):
            fields.append((b"access-control-allow-headers", wanted_headers.encode("latin-1")))
        return 204, fields, b""

    def headers(self, origin: str) -> Headers:
        """The headers of an answer to a page of this origin."""
        if self._all:
            return [(b"access-control-allow-origin", b"*")]
        if origin.lower() not in self._origins:
            return []
        return [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin")]
