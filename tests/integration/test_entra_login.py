"""Sign-in to Postgres as the app's identity: tokens of a managed identity, over TLS."""

import json
import logging
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import trustme
from psycopg import sql

from local import postgres
from shared.errors import DatabaseUnavailable
from shared.postgres.database import Database
from shared.settings.secret import Fixed
from tests.integration.roles import Role, add_role, demand_passwords
from tests.integration.tls_front import Front, tls_front
from tests.servers import Reply, Request, serving

ROOT = Path(__file__).parents[2]
HOST = "cliplink.postgres.database.azure.com"
RESOURCE = "https://ossrdbms-aad.database.windows.net"


@dataclass
class Tokens:
    """Returns one token, as App Service does, which expires too soon to be cached."""

    value: str = "first-token"
    are_away: bool = False
    asked: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        (resource,) = parse_qs(urlsplit(request.path).query)["resource"]
        self.asked.append(resource)
        if self.are_away:
            return Reply(400, b"{}", {"Content-Type": "application/json"})
        body = {
            "access_token": self.value,
            "expires_on": str(int(time.time()) + 60),
            "resource": resource,
            "token_type": "Bearer",
        }
        return Reply(200, json.dumps(body).encode(), {"Content-Type": "application/json"})


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tokens]:
    """The app's identity, in the environment where the vendor's library looks for it."""
    for name in os.environ:
        if name.startswith(("AZURE_", "IDENTITY_", "MSI_")):
            monkeypatch.delenv(name)
    tokens = Tokens()
    with serving(tokens.answer) as served:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{served.url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "header")
        monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
        yield tokens


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def front(postgres_server: postgres.Server, authority: trustme.CA) -> Iterator[Front]:
    demand_passwords(postgres_server)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(tls)
    with tls_front(postgres_server.port, tls) as front:
        yield front


@pytest.fixture
def role(front: Front, empty_database_url: str, tokens: Tokens) -> Iterator[Role]:
    """The user that the server accepts with the current token as the password."""
    assert front.port
    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        yield add_role(admin, tokens.value)


@pytest.fixture
def url(front: Front, role: Role) -> str:
    """Has the name of a server on Azure and the real address, so that no DNS is needed."""
    place = f"{HOST}:{front.port}/{role.admin.info.dbname}?hostaddr=127.0.0.1"
    return f"postgresql://{role.name}@{place}"


def test_token_is_the_password(url: str, role: Role, tokens: Tokens) -> None:
    with Database(Fixed(url)) as database:
        row = database.one("SELECT current_user::text AS name", {})
    assert row == {"name": role.name}
    assert tokens.asked == [RESOURCE]


def test_next_connection_uses_the_current_token(url: str, role: Role, tokens: Tokens) -> None:
    """Tokens live for an hour and connections for less, so nothing else is renewed."""
    with Database(Fixed(url)) as database:
        database.check()
        tokens.value = "second-token"
        role.set_password("second-token")
        database.check()
        role.end_connections()
        database.check()
    assert set(tokens.asked) == {RESOURCE}
    assert len(tokens.asked) >= 2


@pytest.mark.parametrize("mode", ["", "&sslmode=disable", "&sslmode=allow", "&sslmode=prefer"])
def test_token_is_never_sent_in_the_clear(front: Front, url: str, mode: str) -> None:
    before = front.encrypted
    with Database(Fixed(url + mode)) as database:
        database.check()
    assert front.encrypted > before
    assert front.in_the_clear == 0


@pytest.mark.usefixtures("short_wait")
def test_server_without_encryption_is_not_signed_in_to(
    postgres_server: postgres.Server, url: str, front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    """The URL cannot allow it, although this server would have accepted the token."""
    direct = url.replace(f":{front.port}/", f":{postgres_server.port}/")
    asked_for = f"{direct}&sslmode=disable"
    with Database(Fixed(asked_for)) as database, pytest.raises(DatabaseUnavailable):
        database.check()
    assert "server does not support SSL" in caplog.text


def test_server_certificate_can_be_required(
    url: str, authority: trustme.CA, tmp_path: Path
) -> None:
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(trusted)
    with Database(Fixed(f"{url}&sslmode=verify-full&sslrootcert={trusted}")) as database:
        database.check()


@pytest.fixture
def public_authority(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's certificate is of a public CA, and no option names CAs."""
    public = tmp_path / "public.pem"
    authority.cert_pem.write_to_path(public)
    monkeypatch.setattr("certifi.where", lambda: str(public))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)


@pytest.mark.usefixtures("public_authority")
def test_certificate_of_a_public_authority_needs_no_file(url: str) -> None:
    with Database(Fixed(f"{url}&sslmode=verify-full")) as database:
        database.check()


@pytest.mark.usefixtures("public_authority", "short_wait")
def test_public_certificate_of_another_name_is_refused(
    front: Front, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    other = url.replace(HOST, "other.postgres.database.azure.com")
    before = front.encrypted
    with (
        Database(Fixed(f"{other}&sslmode=verify-full")) as database,
        pytest.raises(DatabaseUnavailable),
    ):
        database.check()
    assert front.encrypted > before
    assert "does not match host name" in caplog.text


@pytest.mark.usefixtures("short_wait")
def test_server_with_a_private_authority_gets_no_token(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The CAs are those of certifi, without the CA of the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    with (
        Database(Fixed(f"{url}&sslmode=verify-full")) as database,
        pytest.raises(DatabaseUnavailable),
    ):
        database.check()
    assert "certificate verify failed" in caplog.text


@pytest.mark.usefixtures("short_wait")
def test_server_without_a_valid_certificate_gets_no_token(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trusted = tmp_path / "authority.pem"
    trustme.CA().cert_pem.write_to_path(trusted)
    asked_for = f"{url}&sslmode=verify-full&sslrootcert={trusted}"
    with Database(Fixed(asked_for)) as database, pytest.raises(DatabaseUnavailable):
        database.check()
    assert "certificate verify failed" in caplog.text


@pytest.mark.usefixtures("short_wait")
def test_missing_token_is_an_outage_until_the_next_token(
    url: str, tokens: Tokens, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    tokens.are_away = True
    with Database(Fixed(url)) as database:
        with pytest.raises(DatabaseUnavailable):
            database.check()
        assert "The app's identity gets no token for https://ossrdbms-aad" in caplog.text
        tokens.are_away = False
        database.check()
    assert tokens.value not in caplog.text


@pytest.mark.usefixtures("short_wait")
def test_refused_token_is_an_outage(url: str, role: Role, caplog: pytest.LogCaptureFixture) -> None:
    role.set_password("another")
    with Database(Fixed(url)) as database, pytest.raises(DatabaseUnavailable):
        database.check()
    assert "password authentication failed" in caplog.text
    assert "first-token" not in caplog.text


def test_migrations_sign_in_as_an_identity_too(url: str, role: Role) -> None:
    """The command of docs/configuration.md works with the documented settings alone."""
    database = sql.Identifier(role.admin.info.dbname)
    role.admin.execute(
        sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, sql.Identifier(role.name))
    )
    command = [sys.executable, "-m", "shared.migrate"]
    environment = os.environ | {"DATABASE_URL": url}
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("applied 000_cliplink")
    assert "first-token" not in ran.stdout + ran.stderr
    owners = "SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'public'"
    assert role.admin.execute(owners).fetchall() == [(role.name,)]
