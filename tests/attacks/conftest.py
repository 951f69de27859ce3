"""A separate app for the attacks, whose data must not disturb other tests.

It trusts the issuer of all tests, and a second one whose keys the attacks have. The key set
that it fetches also holds other entries that an issuer may publish by mistake.
"""

import json
from collections.abc import Iterator

import jwt
import pytest

from local.issuer import Issuer
from tests.attacks.forged import CURVE, SHARED_SECRET, WEAK
from tests.e2e.app import App
from tests.e2e.conftest import NewApp, alice, film, mallory, new_app, ready
from tests.servers import Reply, serving
from tests.tokens import KEY, KEY_ID, OTHER_KEY, encoded, public_jwk

__all__ = ["alice", "app", "film", "mallory", "new_app", "ready"]


@pytest.fixture(scope="package")
def app(new_app: NewApp, issuer: Issuer) -> Iterator[App]:
    """The app, whose key set contains invalid entries."""
    curve = jwt.algorithms.ECAlgorithm.to_jwk(CURVE.public_key(), as_dict=True)
    keys: list[object] = [
        None,
        "key",
        {"kty": ["RSA"], "kid": KEY_ID, "alg": {}},
        {"kty": "RSA", "kid": KEY_ID, "n": 5, "e": []},
        *issuer.key_set["keys"],
        public_jwk(KEY, KEY_ID),
        public_jwk(WEAK, "weak"),
        public_jwk(OTHER_KEY, "for encryption", use="enc"),
        {"kty": "oct", "kid": "shared secret", "k": encoded(SHARED_SECRET), "alg": "HS256"},
        {**curve, "kid": "curve"},
    ]
    body = json.dumps({"keys": keys}).encode()
    with serving(lambda _: Reply(200, body)) as jwks:
        attacked = new_app(AUTH_JWKS_URL=f"{jwks.url}/keys")
        with attacked.running():
            yield attacked
