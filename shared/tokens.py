"""Bearer tokens: who is calling, and may they be believed?

RS256 only, and only with a key of the issuer; signature, issuer, audience and times are
checked on every call (RFC 7519, RFC 8725). There is no way to switch this off.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeIs

import jwt
from jwt import PyJWK, PyJWKClient, PyJWTError

from shared.clock import Clock
from shared.errors import SigningKeysUnavailable, Unauthenticated
from shared.settings import AuthSettings

_log = logging.getLogger(__name__)

_ALGORITHM = "RS256"
_LEEWAY = timedelta(seconds=30)
_LONGEST_TOKEN = 16 * 1024
_LONGEST_SUBJECT = 255
_LONGEST_EMAIL = 320


@dataclass(frozen=True, slots=True)
class Identity:
    """What a token says of its bearer. `verified_email` is None unless the issuer vouches."""

    subject: str
    roles: frozenset[str]
    verified_email: str | None


class TokenVerifier:
    def __init__(self, settings: AuthSettings, clock: Clock) -> None:
        self._settings = settings
        self._keys = _SigningKeys(settings.jwks_url, clock)

    def verify(self, authorization: str | None) -> Identity:
        """The bearer of an Authorization header.

        Raises Unauthenticated, or SigningKeysUnavailable if the issuer's keys were never seen.
        """
        token = _bearer(authorization)
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != _ALGORITHM:
                raise Unauthenticated(f"The token must be signed with {_ALGORITHM}.")
            claims = jwt.decode(
                token,
                self._keys.find(header.get("kid")),
                algorithms=[_ALGORITHM],
                issuer=self._settings.issuer,
                audience=self._settings.audience,
                leeway=_LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except PyJWTError as error:
            raise Unauthenticated(f"The token does not hold: {error}.") from error
        except (ValueError, RecursionError) as error:  # what json makes of a hostile header
            raise Unauthenticated("The token does not hold: it is no JWT.") from error
        return _identity(claims)


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Send a token in the Authorization header: Bearer <token>.")
    if len(token) > _LONGEST_TOKEN:
        raise Unauthenticated("The token is too long.")
    return token


def _identity(claims: Mapping[str, Any]) -> Identity:
    subject = claims["sub"]
    if not subject or len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
        raise Unauthenticated("The token's subject is not usable.")
    roles = claims.get("roles", [])
    email = claims.get("email") if claims.get("email_verified") is True else None
    return Identity(
        subject=subject,
        roles=frozenset(r for r in roles if isinstance(r, str))
        if isinstance(roles, list)
        else frozenset(),
        verified_email=email if _is_usable(email) else None,
    )


def _is_usable(email: object) -> TypeIs[str]:
    return isinstance(email, str) and 0 < len(email) <= _LONGEST_EMAIL and email.isprintable()


class _SigningKeys:
    """The issuer's public keys, kept in memory.

    Fetched again when five minutes old, and when a token names a key that is not among them
    (the issuer may have rotated), but then at most every ten seconds, so that made-up key
    ids cannot be used to hammer the issuer. While the issuer is away the known keys go on.
    """

    _FRESH = timedelta(minutes=5)
    _PAUSE = timedelta(seconds=10)

    def __init__(self, url: str, clock: Clock) -> None:
        self._client = PyJWKClient(url, cache_jwk_set=False, timeout=5)
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None

    def find(self, key_id: object) -> PyJWK:
        """Raises Unauthenticated for an unknown id, SigningKeysUnavailable before any fetch."""
        if not isinstance(key_id, str):
            raise Unauthenticated("The token does not name its key.")
        known = self._keys.get(key_id)
        if known is None or not self._is_fresh():
            self._refresh(wait=known is None)
            known = self._keys.get(key_id)
        if known is not None:
            return known
        if self._fetched_at is None:
            raise SigningKeysUnavailable("The token issuer does not answer.")
        raise Unauthenticated("The token is signed with a key that its issuer does not have.")

    def _is_fresh(self) -> bool:
        return self._fetched_at is not None and self._clock() - self._fetched_at < self._FRESH

    def _refresh(self, *, wait: bool) -> None:
        """One thread asks the issuer; the others wait for it only if they have no key at all."""
        if not self._lock.acquire(blocking=wait):
            return
        try:
            now = self._clock()
            if self._tried_at is None or now - self._tried_at >= self._PAUSE:
                self._tried_at = now
                self._keys = self._fetch()
                self._fetched_at = now
        except (PyJWTError, OSError, ValueError, TypeError, RecursionError):  # away, or rubbish
            _log.warning("The signing keys could not be fetched", exc_info=True)
        finally:
            self._lock.release()

    def _fetch(self) -> dict[str, PyJWK]:
        keys = self._client.get_jwk_set().keys
        return {key.key_id: key for key in keys if isinstance(key.key_id, str) and _is_ours(key)}


def _is_ours(key: PyJWK) -> bool:
    return key.algorithm_name == _ALGORITHM and key.public_key_use in {None, "sig"}
