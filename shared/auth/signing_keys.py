"""The issuer's public keys (RFC 7517): fetched with bounds, and kept in memory.

The URL is a setting, and nothing in a token can change it: redirects are not followed, and the
response is not trusted to be short, quick or well-formed.
"""

import json
import logging
import threading
import time
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib import request
from urllib.error import HTTPError

from shared.clock import Clock
from shared.errors import SigningKeysUnavailable, Unauthenticated
from shared.network.strict_http import StrictHTTPResponse
from shared.network.tls import machine_trust

if TYPE_CHECKING:
    from jwt import PyJWK

_log = logging.getLogger(__name__)

# The only algorithm: a verifier that lets the token choose can be tricked.
ALGORITHM = "RS256"

_SMALLEST_KEY = 2048  # bits: RFC 7518, section 3.3
_LARGEST_SET = 256 * 1024  # bytes; sets of large issuers with their certificates have 20 KiB
_TIMEOUT = 5  # seconds without a byte
_DEADLINE = 10.0  # seconds for the whole body
_NO_ANSWER = "The token issuer does not answer."
_NO_USABLE_KEY = (
    f"The token issuer answers, but not with a key set that holds a usable {ALGORITHM} key."
)
_HEADERS = {"Accept": "application/json", "User-Agent": "cliplink"}


class SigningKeys:
    """The issuer's keys by their ids.

    Fetched again when five minutes old, and when a token names a key that is not among them
    (the issuer may have rotated), but then at most every ten seconds, so that made-up key
    ids cannot flood the issuer with requests. While the issuer is unavailable, the known keys are
    used for a day: after that most tokens from before the outage have expired, and a key that was
    withdrawn meanwhile must not be trusted without end.
    """

    _TTL = timedelta(minutes=5)
    _MIN_INTERVAL = timedelta(seconds=10)
    _MAX_AGE = timedelta(days=1)

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str | None, PyJWK] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._problem = _NO_ANSWER

    def find(self, key_id: object) -> "PyJWK":
        """The key of that id; for a token without one, the only key that has none either.

        Raises Unauthenticated for an unknown id, SigningKeysUnavailable without usable keys.
        """
        if not isinstance(key_id, str | None):
            raise Unauthenticated("The token's kid is not text.")
        known = key_id in self._keys
        if not known or not self._are_within(self._TTL):
            self._refresh(wait=not known or not self._are_within(self._MAX_AGE))
        if not self._are_within(self._MAX_AGE):
            raise SigningKeysUnavailable(self._problem)
        key = self._keys.get(key_id)
        if key is None:
            raise Unauthenticated(self._why_unknown(key_id))
        return key

    def _why_unknown(self, key_id: str | None) -> str:
        if key_id is None:
            return "The token does not name its key."
        if self._keys.keys() <= {None}:
            return "The token names its key (kid), but the keys of the issuer have no names."
        return "The token is signed with a key that the issuer does not publish."

    def _are_within(self, age: timedelta) -> bool:
        return self._fetched_at is not None and self._clock() - self._fetched_at < age

    def _refresh(self, *, wait: bool) -> None:
        """One thread asks the issuer; the others wait only if they know no usable key."""
        if not self._lock.acquire(blocking=wait):
            return
        try:
            now = self._clock()
            if self._tried_at is None or now - self._tried_at >= self._MIN_INTERVAL:
                self._tried_at = now
                self._keys = _usable_keys(json.loads(_download(self._url)))
                self._fetched_at = now
        except (OSError, HTTPException, ValueError, RecursionError) as error:
            answered = isinstance(error, HTTPError | ValueError | RecursionError)
            self._problem = _NO_USABLE_KEY if answered else _NO_ANSWER
            _log.warning("The signing keys could not be fetched", exc_info=True)
        finally:
            self._lock.release()


class _NoRedirects(request.HTTPRedirectHandler):
    """Does not follow redirects: a redirect is not a key set."""

    def redirect_request(self, *_: object) -> None:
        return None


class _PlainConnection(HTTPConnection):
    response_class = StrictHTTPResponse


class _TlsConnection(HTTPSConnection):
    response_class = StrictHTTPResponse


class _Http(request.HTTPHandler):
    """Limits the time of the whole answer, headers included."""

    def http_open(self, req: request.Request) -> HTTPResponse:
        return self.do_open(_PlainConnection, req)


class _Https(request.HTTPSHandler):
    """Reads the machine's certificates with the first connection, and once for the process."""

    def __init__(self) -> None:
        request.AbstractHTTPHandler.__init__(self)

    def https_open(self, req: request.Request) -> HTTPResponse:
        return self.do_open(_TlsConnection, req, context=machine_trust())


def _download(url: str) -> bytes:
    """The body at an address; raises OSError, HTTPException, or ValueError if it is too long."""
    opener = request.build_opener(_NoRedirects, _Http, _Https)
    deadline = time.monotonic() + _DEADLINE
    asked = request.Request(url, headers=_HEADERS)  # noqa: S310 - the settings take http(s) only
    body = bytearray()
    try:
        with opener.open(asked, timeout=_TIMEOUT) as answer:
            while piece := answer.read1(_LARGEST_SET):
                body += piece
                if len(body) > _LARGEST_SET:
                    raise ValueError("the key set is too long")
                if time.monotonic() > deadline:
                    raise TimeoutError("the key set took too long")
    except HTTPError as refusal:
        refusal.close()
        raise
    return bytes(body)


def _usable_keys(key_set: object) -> "dict[str | None, PyJWK]":
    """The keys that may sign tokens, by id; other entries of the set are ignored.

    A key without an id is there as None, unless there are several: a token without an id could
    mean any of them. Raises ValueError if there is no key: an empty set is a fault of the issuer.
    """
    entries = key_set.get("keys") if isinstance(key_set, dict) else None
    named: dict[str | None, PyJWK] = {}
    nameless: list[PyJWK] = []
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and _is_for_tokens(entry) and (key := _parsed(entry)):
            key_id = entry.get("kid")
            if key_id is None:
                nameless.append(key)
            else:
                named[key_id] = key
    if not named and not nameless:
        raise ValueError("the response has no usable key")
    return named | {None: nameless[0]} if len(nameless) == 1 else named


def _is_for_tokens(entry: dict[str, Any]) -> bool:
    """Whether it is an RSA key for RS256 signatures; null means an absent member."""
    return (
        entry.get("kty") == "RSA"
        and entry.get("use") in (None, "sig")
        and entry.get("alg") in (None, ALGORITHM)
        and isinstance(entry.get("kid"), str | None)
        and all(isinstance(entry.get(name), str) for name in ("n", "e"))
    )


def _parsed(entry: dict[str, Any]) -> "PyJWK | None":
    """Only the public part of what an issuer publishes; None if it is weak or malformed."""
    from jwt import PyJWK, PyJWTError

    try:
        key = PyJWK({"kty": "RSA", "n": entry["n"], "e": entry["e"]}, ALGORITHM)
    except PyJWTError:
        return None
    return key if key.key.key_size >= _SMALLEST_KEY else None
