"""Owns HTTP: receives a request from the server, finds its function, sends the answer.

An ASGI application without a framework, because every request passes through it. `management`
answers the host's own paths /admin, /runtime and /metrics.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from local.host.calls import Caller
from local.host.cors import Cors
from local.host.functions import Function
from local.host.protos import RpcHttp, RpcHttpCookie, TypedData
from local.host.routes import RouteTable, decode_path
from local.host.worker import Outcome

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
type Headers = list[tuple[bytes, bytes]]
type Reply = tuple[int, Headers, bytes]
type Management = Callable[
    [str, str, Mapping[str, str], Mapping[str, str], bytes], Awaitable[Reply | None]
]

_BODY_LIMIT = 100 * 1024 * 1024
_WITHOUT_BODY = {204, 304}

_log = logging.getLogger("local.host")


class _TooLarge(Exception):
    """The body is larger than the real host accepts."""


class _Disconnected(Exception):
    """The client closed the connection before the request was complete."""


class HttpApp:
    """The whole HTTP surface of the host."""

    def __init__(
        self,
        functions: Sequence[Function],
        route_prefix: str,
        caller: Caller,
        cors: Cors,
        management: Management,
    ) -> None:
        self._prefix = f"/{route_prefix}/" if route_prefix else "/"
        self._caller = caller
        self._cors = cors
        self._management = management
        self._functions = {function.name: function for function in functions}
        self._routes = RouteTable()
        for function in functions:
            route = function.trigger.get("route") or function.name
            self._routes.add(function.name, route, function.trigger.get("methods") or ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; `scope` is always of type http."""
        headers = _joined(scope["headers"])
        origin = headers.get("origin")
        preflight = self._cors.preflight(scope["method"], headers) if origin else None
        try:
            status, fields, body = preflight or await self._answer(scope, headers, receive)
        except _TooLarge:
            status, fields, body = 413, [(b"connection", b"close")], b""
        except _Disconnected:
            return
        if origin and preflight is None:
            fields = [*fields, *self._cors.headers(origin)]
        if status not in _WITHOUT_BODY:
            fields = _with_length(scope["method"], fields, body)
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, headers: dict[str, str], receive: Receive) -> Reply:
        method = scope["method"]
        raw_path = scope["raw_path"].decode("latin-1")
        query = _query(scope["query_string"])
        if raw_path == "/metrics" or raw_path.startswith(("/admin/", "/runtime/")):
            body = await _read_body(headers, receive)
            reply = await self._management(method, decode_path(raw_path), query, headers, body)
            return reply or _not_found()
        if not raw_path.startswith(self._prefix):
            return _not_found()
        path = decode_path(raw_path[len(self._prefix) :])
        if "\0" in path:
            return 400, [], b""
        found = self._routes.find(method, path)
        if found is None:
            return _not_found()
        name, parameters = found
        search = scope["query_string"].decode("latin-1")
        request = RpcHttp(
            method=method,
            url=f"http://{headers.get('host', '')}{raw_path}{'?' + search if search else ''}",
            headers=headers,
            params=parameters,
            query=query,
            body=TypedData(bytes=await _read_body(headers, receive)),
        )
        function = self._functions[name]
        return _reply(function, await self._caller.call(function, TypedData(http=request), {}))


def _not_found() -> Reply:
    return 404, [], b""


def _reply(function: Function, outcome: Outcome) -> Reply:
    if outcome.error is not None:
        return 500, [], b""
    name = next((b["name"] for b in function.outputs if b["type"] == "http"), "$return")
    value = outcome.return_value if name == "$return" else outcome.outputs.get(name)
    match value and value.value:
        case None:
            return 204, [], b""
        case RpcHttp() as response:
            body = response.body.value
            content = body if isinstance(body, bytes) else str(body or "").encode()
            return int(response.status_code), _response_headers(response), content
        case bytes() as content:
            return 200, [(b"content-type", b"application/octet-stream")], content
        case text:
            return 200, [(b"content-type", b"text/plain; charset=utf-8")], str(text).encode()


def _with_length(method: str, fields: Headers, body: bytes) -> Headers:
    """Sets the length of the body; an answer to HEAD without a body keeps its own length."""
    if method == "HEAD" and not body:
        return fields
    rest = [field for field in fields if field[0] != b"content-length"]
    return [*rest, (b"content-length", str(len(body)).encode())]


def _response_headers(response: RpcHttp) -> Headers:
    fields = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in response.headers.items()
        if name.lower() != "transfer-encoding"
    ]
    fields += [(b"set-cookie", _set_cookie(cookie)) for cookie in response.cookies or ()]
    return fields


def _set_cookie(cookie: RpcHttpCookie) -> bytes:
    parts = [f"{cookie.name}={cookie.value}"]
    if cookie.max_age:
        parts.append(f"Max-Age={cookie.max_age.value:.0f}")
    for label, text in (("Domain", cookie.domain), ("Path", cookie.path)):
        if text and text.value:
            parts.append(f"{label}={text.value}")
    for label, flag in (("Secure", cookie.secure), ("HttpOnly", cookie.http_only)):
        if flag and flag.value:
            parts.append(label)
    if cookie.same_site:
        parts.append(f"SameSite={cookie.same_site}")
    return "; ".join(parts).encode("latin-1")


def _joined(fields: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Header fields by lower-case name; repeated ones are joined by commas."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _query(raw: bytes) -> dict[str, str]:
    """Query values by name without regard to case: joins repeated values, drops empty ones."""
    if not raw:
        return {}
    names: dict[str, str] = {}
    values: dict[str, str] = {}
    for name, value in parse_qsl(raw.decode("latin-1"), keep_blank_values=True):
        known = names.setdefault(name.lower(), name)
        values[known] = f"{values[known]},{value}" if known in values else value
    return {name: value for name, value in values.items() if value}


async def _read_body(headers: Mapping[str, str], receive: Receive) -> bytes:
    """The whole body; raises _TooLarge as soon as the size is known."""
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > _BODY_LIMIT:
        raise _TooLarge
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > _BODY_LIMIT:
            raise _TooLarge
        more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
