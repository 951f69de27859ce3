"""The issuer's public keys (RFC 7517): fetched with bounds, and kept in memory.

The URL is a setting, and nothing in a token can change it: redirects are not followed, and the
response is not trusted to be short, quick or well-formed.
"""

import json
import logging
import threading
import time
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib import request
from urllib.error import HTTPError

from shared.clock import Clock
from shared.errors import SigningKeysUnavailable, Unauthenticated

if TYPE_CHECKING:
    from jwt import PyJWK

_log = logging.getLogger(__name__)

ALGORITHM = "RS256"
"""The only one: a choice between algorithms is where verifiers get confused."""

_SMALLEST_KEY = 2048  # bits: RFC 7518, section 3.3
_LARGEST_SET = 256 * 1024  # bytes; sets of large issuers with their certificates have 20 KiB
_SILENCE = 5  # seconds without a byte
_PATIENCE = 10.0  # seconds for the whole body
_HEADERS = {"Accept": "application/json", "User-Agent": "cliplink"}


class SigningKeys:
    """Keys by their id.

    Fetched again when five minutes old, and when a token names a key that is not among them
    (the issuer may have rotated), but then at most every ten seconds, so that made-up key
    ids cannot be used to hammer the issuer. While the issuer is away the known keys go on
    for a day: by then hardly a token from before the outage is still good, and a key that
    was withdrawn meanwhile must not be believed for ever.
    """

    _FRESH = timedelta(minutes=5)
    _PAUSE = timedelta(seconds=10)
    _USABLE = timedelta(days=1)

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None

    def find(self, key_id: object) -> "PyJWK":
        """Raises Unauthenticated for an unknown id, SigningKeysUnavailable without usable keys."""
        if not isinstance(key_id, str):
            raise Unauthenticated("The token does not name its key.")
        known = key_id in self._keys
        if not known or not self._are_within(self._FRESH):
            self._refresh(wait=not known or not self._are_within(self._USABLE))
        if not self._are_within(self._USABLE):
            raise SigningKeysUnavailable("The token issuer does not answer.")
        key = self._keys.get(key_id)
        if key is None:
            raise Unauthenticated("The token is signed with a key that its issuer does not have.")
        return key

    def _are_within(self, age: timedelta) -> bool:
        return self._fetched_at is not None and self._clock() - self._fetched_at < age

    def _refresh(self, *, wait: bool) -> None:
        """One thread asks the issuer; the others wait for it only if they cannot do without."""
        if not self._lock.acquire(blocking=wait):
            return
        try:
            now = self._clock()
            if self._tried_at is None or now - self._tried_at >= self._PAUSE:
                self._tried_at = now
                self._keys = _usable(json.loads(_download(self._url)))
                self._fetched_at = now
        except (OSError, HTTPException, ValueError, RecursionError):  # away, or rubbish
            _log.warning("The signing keys could not be fetched", exc_info=True)
        finally:
            self._lock.release()


class _NoRedirects(request.HTTPRedirectHandler):
    """Leaves a redirect what it is: an answer that is no key set."""

    def redirect_request(self, *_: object) -> None:
        return None


def _download(url: str) -> bytes:
    """The body at an address; raises OSError, HTTPException, or ValueError if it is too long."""
    # Made here: it reads the machine's certificates, which a start need not wait for.
    opener = request.build_opener(_NoRedirects)
    deadline = time.monotonic() + _PATIENCE
    asked = request.Request(url, headers=_HEADERS)  # noqa: S310 - the settings take http(s) only
    body = bytearray()
    try:
        with opener.open(asked, timeout=_SILENCE) as answer:
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


def _usable(key_set: object) -> "dict[str, PyJWK]":
    """The keys that may sign tokens; whatever else is in the set is none of our business.

    Raises ValueError if there is none: no issuer says in earnest that it signs nothing.
    """
    entries = key_set.get("keys") if isinstance(key_set, dict) else None
    keys = {
        entry["kid"]: key
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and _is_for_tokens(entry) and (key := _parsed(entry))
    }
    if not keys:
        raise ValueError("the answer holds no usable key")
    return keys


def _is_for_tokens(entry: dict[str, Any]) -> bool:
    texts = (entry.get(name) for name in ("kid", "n", "e"))
    return (
        entry.get("kty") == "RSA"
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", ALGORITHM) == ALGORITHM
        and all(isinstance(text, str) for text in texts)
    )


def _parsed(entry: dict[str, Any]) -> "PyJWK | None":
    """The public part only, whatever else an issuer publishes; None if it is no strong key."""
    from jwt import PyJWK, PyJWTError  # when first needed: see shared.auth.tokens

    try:
        key = PyJWK({"kty": "RSA", "n": entry["n"], "e": entry["e"]}, ALGORITHM)
    except PyJWTError:
        return None
    return key if key.key.key_size >= _SMALLEST_KEY else None
