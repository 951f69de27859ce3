"""Bearer tokens: who is calling, and may they be believed?

RS256 only, and only with a key of the issuer; signature, issuer, audience and times are
checked on every call (RFC 7519, RFC 8725). There is no way to switch this off.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeIs

from shared.auth.signing_keys import ALGORITHM, SigningKeys
from shared.clock import Clock
from shared.errors import TokenMissing, Unauthenticated
from shared.settings import AuthSettings

_LEEWAY = timedelta(seconds=30)
_LONGEST_TOKEN = 16 * 1024
_LONGEST_SUBJECT = 255
_LONGEST_EMAIL = 320
_END_OF_TIME = 253_402_300_800  # seconds: the year 10000


@dataclass(frozen=True, slots=True)
class Identity:
    """What a token says of its bearer. `verified_email` is None unless the issuer vouches."""

    subject: str
    roles: frozenset[str]
    verified_email: str | None


class TokenVerifier:
    def __init__(self, settings: AuthSettings, clock: Clock) -> None:
        self._settings = settings
        self._keys = SigningKeys(settings.jwks_url, clock)

    def verify(self, authorization: str | None) -> Identity:
        """The bearer of an Authorization header.

        Raises Unauthenticated (TokenMissing if there is none), or SigningKeysUnavailable if
        the issuer's keys were never seen.
        """
        # Imported here: the cryptography behind it takes as long as all our own modules, and
        # an instance that starts for a blob or a timer meets no token.
        import jwt

        token = _bearer(authorization)
        try:
            header = _header(token)
            if header.get("alg") != ALGORITHM:
                raise Unauthenticated(f"The token must be signed with {ALGORITHM}.")
            claims = jwt.decode(
                token,
                self._keys.find(header.get("kid")),
                algorithms=[ALGORITHM],
                issuer=self._settings.issuer,
                audience=self._settings.audience,
                leeway=_LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            reason = str(error).rstrip(".")
            raise Unauthenticated(f"The token does not hold: {reason}.") from error
        except (ValueError, RecursionError) as error:  # what is made of a hostile header
            raise Unauthenticated("The token does not hold: it is no JWT.") from error
        _check_times(claims)
        return _identity(claims)


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise TokenMissing("Send a token in the Authorization header: Bearer <token>.")
    if len(token) > _LONGEST_TOKEN:
        raise Unauthenticated("The token is too long.")
    return token


def _header(token: str) -> Mapping[str, Any]:
    """What a token says of itself, for the choice of its key: believed by nobody before that.

    Raises ValueError or RecursionError for what is no header. The library's own reading of it
    takes the whole token apart, character by character, and then does that again to verify it.
    """
    header = json.loads(urlsafe_b64decode(token.partition(".")[0] + "=="))
    if not isinstance(header, dict):
        raise ValueError("not an object")  # noqa: TRY004 - as everything that is no header
    return header


def _check_times(claims: Mapping[str, Any]) -> None:
    """The library has compared them, but takes "2524608000" for a number and 1e300 for a date."""
    for name in ("exp", "nbf", "iat"):
        moment = claims.get(name, 0)
        if type(moment) not in {int, float} or not 0 <= moment < _END_OF_TIME:
            raise Unauthenticated(f"The token's {name} is no time.")


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
