"""Bearer tokens: checks that a token is genuine, and reads who is calling.

RS256 only, and only with a key of the issuer; signature, issuer, audience and times are
checked (RFC 7519, RFC 8725). There is no way to switch this off. A token that was verified with
a key is not verified with it again: every call checks that the issuer still publishes that key,
and that the token has not expired.
"""

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeIs

from shared.auth.signing_keys import ALGORITHM, SigningKeys
from shared.clock import Clock
from shared.errors import TokenMissing, Unauthenticated
from shared.settings import AuthSettings

if TYPE_CHECKING:
    from jwt import PyJWK

_LEEWAY = timedelta(seconds=30)
_LONGEST_TOKEN = 16 * 1024
_LONGEST_SUBJECT = 255
_LONGEST_EMAIL = 320
_END_OF_TIME = 253_402_300_800  # seconds: the year 10000
_MAX_REMEMBERED = 1000  # tokens


@dataclass(frozen=True, slots=True)
class Identity:
    """The user of a token.

    `verified_email` is None unless the issuer says that it has verified the address.
    """

    subject: str
    roles: frozenset[str]
    verified_email: str | None


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token that was verified with `key`; `expires_at` is in seconds since 1970."""

    identity: Identity
    expires_at: int
    key_id: object
    key: "PyJWK"


class TokenVerifier:
    def __init__(self, settings: AuthSettings, clock: Clock) -> None:
        self._settings = settings
        self._keys = SigningKeys(settings.jwks_url, clock)
        self._known: dict[str, _Verified] = {}

    def verify(self, authorization: str | None) -> Identity:
        """The bearer of an Authorization header.

        Raises Unauthenticated (TokenMissing if there is none), or SigningKeysUnavailable if
        the issuer's keys were never seen.
        """
        token = _bearer(authorization)
        known = self._known.get(token)
        if known is None or not self._is_valid_still(known):
            known = self._verified(token)
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            self._known[token] = known
        return known.identity

    def _is_valid_still(self, known: _Verified) -> bool:
        """Raises as `verify` where the issuer has withdrawn the key.

        A key is an object of one download: a token is verified anew with each.
        """
        return time.time() < known.expires_at and self._keys.find(known.key_id) is known.key

    def _verified(self, token: str) -> _Verified:
        import jwt

        try:
            header = _header(token)
            if header.get("alg") != ALGORITHM:
                raise Unauthenticated(f"The token must be signed with {ALGORITHM}.")
            key = self._keys.find(header.get("kid"))
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=self._settings.issuer,
                audience=self._settings.audience,
                leeway=_LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            reason = str(error).rstrip(".")
            raise Unauthenticated(f"The token is not valid: {reason}.") from error
        except (ValueError, RecursionError) as error:  # what is made of a hostile header
            raise Unauthenticated("The token is not valid: it is not a JWT.") from error
        _check_times(claims)
        return _Verified(_identity(claims), int(claims["exp"]), header.get("kid"), key)


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise TokenMissing("Send the header Authorization: Bearer <token>.")
    if len(token) > _LONGEST_TOKEN:
        raise Unauthenticated("The token is too long.")
    return token


def _header(token: str) -> Mapping[str, Any]:
    """The header of a token, which chooses the key; not trusted before the check.

    Raises ValueError or RecursionError if it is not a header. The library would parse the whole
    token for this, and once more to verify it.
    """
    header = json.loads(urlsafe_b64decode(token.partition(".")[0] + "=="))
    if not isinstance(header, dict):
        raise ValueError("not an object")  # noqa: TRY004 - as everything that is no header
    return header


def _check_times(claims: Mapping[str, Any]) -> None:
    """The library has compared them, but accepts "2524608000" for a number and 1e300 for a date."""
    for name in ("exp", "nbf", "iat"):
        moment = claims.get(name, 0)
        if type(moment) not in {int, float} or not 0 <= moment < _END_OF_TIME:
            raise Unauthenticated(f"The token's {name} is not a time.")


def _identity(claims: Mapping[str, Any]) -> Identity:
    subject = claims["sub"]
    if not subject or len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
        raise Unauthenticated("The token's subject cannot be used.")
    roles = claims.get("roles", [])
    return Identity(
        subject=subject,
        roles=frozenset(r for r in roles if isinstance(r, str))
        if isinstance(roles, list)
        else frozenset(),
        verified_email=_verified_email(claims),
    )


def _verified_email(claims: Mapping[str, Any]) -> str | None:
    """The e-mail address that the issuer has verified, from whichever claims it sends.

    OpenID Connect Core, section 5.1: `email` and `email_verified`, which Cognito sends as text
    in some of its tokens. Microsoft Entra: `email` and the optional claim `xms_edov`. Auth0: the
    same two names in a namespace, which is a URL; both must be in the same one. A false
    `email_verified` beside a true claim of another kind means that it is not verified.
    """
    if "email_verified" in claims:
        return _email_if(claims, "email", _is_true(claims["email_verified"]))
    if "xms_edov" in claims:
        domain_verified = claims["xms_edov"]
        return _email_if(claims, "email", _is_true(domain_verified) or domain_verified in ("1", 1))
    found = {
        email
        for name in claims
        if name.startswith(("https://", "http://")) and name.endswith("/email")
        if (email := _email_if(claims, name, _is_true(claims.get(f"{name}_verified"))))
    }
    return found.pop() if len(found) == 1 else None


def _email_if(claims: Mapping[str, Any], name: str, verified: bool) -> str | None:  # noqa: FBT001 - read as a sentence
    email = claims.get(name)
    return email if verified and _is_usable(email) else None


def _is_true(claim: object) -> bool:
    return claim is True or claim == "true"


def _is_usable(email: object) -> TypeIs[str]:
    return isinstance(email, str) and 0 < len(email) <= _LONGEST_EMAIL and email.isprintable()
