"""The app's signer gives the same bytes as the vendor's, for all terms of a link."""

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import RFC_4122

import pytest
from azure.storage.blob import (
    BlobServiceClient,
    UserDelegationKey,
    generate_blob_sas,
    generate_container_sas,
)
from azure.storage.blob._shared.constants import X_MS_VERSION

from shared.storage.signing import sas
from shared.storage.signing.sas import DelegationKey, Draft, LinkPeriod, Signer, blob_path

CASES = 400
PIECES = [
    *("goal", "Žofie", "日本語", "🎬", "é", " ", "  ", "'", '"', "+", "%", "%2F", "&", "=", "?"),
    *("#", ";", ",", "/", "~", ".", "-", "_", "(", ")", "[", "]", "{", "}", "!", "$", "*", "@"),
    *(":", "^", "`", "|", "<", ">", "\\", "0f3a"),
]


@dataclass(frozen=True)
class Case:
    """One link; empty text means absent, as None does."""

    account: str
    key: str | DelegationKey
    container: str
    name: str
    permission: str
    period: LinkPeriod
    protocol: str
    ip: str | None
    cache_control: str | None
    disposition: str | None
    content_type: str | None
    carries_id: bool

    def ours(self) -> tuple[str, str]:
        """The id and the query."""
        signer = Signer(self.account, self.key, self.protocol, carries_id=self.carries_id)
        draft = Draft(
            signer,
            self.container,
            self.permission,
            self.period,
            ip=self.ip,
            cache_control=self.cache_control,
            content_type=self.content_type,
        )
        link_id, query = draft.sign(self.name, self.disposition)
        return str(link_id), query

    def theirs(self, link_id: str) -> str:
        account_key = None if isinstance(self.key, DelegationKey) else self.key
        return generate_blob_sas(
            self.account,
            self.container,
            self.name,
            account_key=account_key,
            user_delegation_key=None if account_key else vendors(self.key),
            permission=self.permission,
            start=self.period.starts_at,
            expiry=self.period.expires_at,
            ip=self.ip,
            protocol=self.protocol,
            cache_control=self.cache_control,
            content_disposition=self.disposition,
            content_type=self.content_type,
            correlation_id=link_id if self.carries_id else None,
        )


def vendors(key: str | DelegationKey) -> UserDelegationKey:
    assert isinstance(key, DelegationKey)
    made = UserDelegationKey()  # type: ignore[no-untyped-call]  # the vendor's has no types
    made.signed_oid, made.signed_tid = key.oid, key.tid
    made.signed_start, made.signed_expiry = key.start, key.expiry
    made.signed_service, made.signed_version, made.value = key.service, key.version, key.value
    return made


class Made:
    """Random cases, the same at every run."""

    def __init__(self, seed: str) -> None:
        self.chance = random.Random(seed)

    def case(self, key: str | DelegationKey) -> Case:
        starts_at = datetime(2026, 1, 1, tzinfo=UTC) + self.time()
        return Case(
            account=self.chance.choice(["clips", "devstoreaccount1", "abc"]),
            key=key,
            container=self.chance.choice(["cliplink-clips", "c", "test-1-thumbnails"]),
            name=self.text(1, 9),
            permission=self.chance.choice([sas.READ, sas.CREATE_OR_OVERWRITE]),
            period=LinkPeriod(starts_at, starts_at + timedelta(hours=self.chance.randint(1, 200))),
            protocol=self.chance.choice(["https", "https,http"]),
            ip=self.maybe(self.chance.choice([self.ip(), f"{self.ip()}-{self.ip()}"])),
            cache_control=self.maybe("private, max-age=3600"),
            disposition=self.maybe(f'attachment; filename="{self.text(0, 12)}"'),
            content_type=self.maybe(
                self.chance.choice(["video/mp4", "image/svg+xml", 'video/webm; codecs="vp9"'])
            ),
            carries_id=self.chance.random() < 0.7,
        )

    def key(self) -> str:
        return base64.b64encode(self.chance.randbytes(self.chance.choice([6, 32, 64, 65]))).decode()

    def delegation_key(self) -> DelegationKey:
        starts_at = datetime(2026, 1, 1, tzinfo=UTC) + self.time()
        return DelegationKey(
            oid="00000000-0000-0000-0000-000000000001",
            tid="7b0e2a3c-0000-4000-8000-00000000000f",
            start=f"{starts_at:%Y-%m-%dT%H:%M:%SZ}",
            expiry=f"{starts_at + timedelta(days=7):%Y-%m-%dT%H:%M:%SZ}",
            service="b",
            version=sas.VERSION,
            value=self.key(),
        )

    def text(self, least: int, most: int) -> str:
        return "".join(self.chance.choices(PIECES, k=self.chance.randint(least, most)))

    def ip(self) -> str:
        return ".".join(str(self.chance.randrange(256)) for _ in range(4))

    def time(self) -> timedelta:
        return timedelta(seconds=self.chance.randrange(400 * 86_400))

    def maybe(self, value: str) -> str | None:
        return self.chance.choice([value, value, None, ""])


def cases(kind: str) -> Iterator[Case]:
    made = Made(kind)
    for _ in range(CASES):
        yield made.case(made.delegation_key() if kind == "delegation key" else made.key())


KINDS = pytest.mark.parametrize("kind", ["account key", "delegation key"])


@KINDS
def test_every_byte_is_the_vendors(kind: str) -> None:
    for case in cases(kind):
        link_id, query = case.ours()
        assert query == case.theirs(link_id), case


@KINDS
def test_cases_cover_every_option_set_and_unset(kind: str) -> None:
    """The comparison covers every option with and without a value."""
    made = list(cases(kind))
    for option in ("ip", "cache_control", "disposition", "content_type", "carries_id"):
        assert {bool(getattr(case, option)) for case in made} == {True, False}
    assert any(not case.name.isascii() for case in made)
    assert all(any(piece in case.name for case in made) for piece in PIECES)


def test_address_is_that_of_the_vendors_client() -> None:
    with BlobServiceClient("https://clips.blob.core.windows.net", credential="c2VjcmV0") as client:
        for case in cases("address"):
            theirs = client.get_blob_client(case.container, case.name).url
            ours = f"https://clips.blob.core.windows.net/{blob_path(case.container, case.name)}"
            assert ours == theirs, case


def test_version_is_that_of_the_vendors_client() -> None:
    """The account checks signatures by the rules of the version that the client sends."""
    assert sas.VERSION == X_MS_VERSION


@KINDS
def test_same_id_means_the_same_link(kind: str) -> None:
    """A link made again has the same id; different links have different ids."""
    ids = {}
    for case in cases(kind):
        link_id, _ = case.ours()
        assert link_id == case.ours()[0]
        ids[link_id] = case
    assert len(ids) == CASES


def test_id_of_a_link_is_a_custom_uuid() -> None:
    for case in cases("account key"):
        signer = Signer(case.account, case.key, case.protocol)
        link_id, _ = Draft(signer, case.container, case.permission, case.period).sign(case.name)
        assert (link_id.version, link_id.variant) == (8, RFC_4122)


def test_two_accounts_keys_make_one_id() -> None:
    """A rotated key signs the same link again, whose id in the records stays the same."""
    case = next(cases("account key"))
    made = Made("two keys")
    first, second = (
        Draft(Signer("clips", made.key(), "https"), "c", "r", case.period).sign("b")
        for _ in range(2)
    )
    assert first[0] == second[0]
    assert first[1] != second[1]


@KINDS
def test_query_that_lists_a_container_is_the_vendors(kind: str) -> None:
    for case in islice(cases(kind), 20):
        signer = Signer(case.account, case.key, case.protocol)
        is_account_key = isinstance(case.key, str)
        theirs = generate_container_sas(
            case.account,
            case.container,
            account_key=case.key if isinstance(case.key, str) else None,
            user_delegation_key=None if is_account_key else vendors(case.key),
            permission="l",
            start=case.period.starts_at,
            expiry=case.period.expires_at,
            protocol=case.protocol,
        )
        assert sas.listing_query(signer, case.container, case.period) == theirs
