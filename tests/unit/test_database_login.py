"""Parameters of libpq: when a token is the password, and that it is sent encrypted only."""

from dataclasses import dataclass, field
from pathlib import Path

import certifi
import pytest

from shared.auth.app_identity import AppIdentity
from shared.postgres import login as database_login
from shared.postgres.login import parameters_for

HOST = "cliplink.postgres.database.azure.com"
SCOPE = "https://ossrdbms-aad.database.windows.net/.default"


@dataclass
class Tokens(AppIdentity):
    """An identity whose tokens contain their resource."""

    asked: list[str] = field(default_factory=list)

    def token(self, scope: str) -> str:
        self.asked.append(scope)
        return f"token {len(self.asked)}"


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.mark.parametrize(
    ("url", "scope"),
    [
        (f"postgresql://app@{HOST}/x", SCOPE),
        (f"postgres://app@{HOST}:6432/x", SCOPE),
        (f"postgresql://app@{HOST.upper()}/x", SCOPE),
        (f"postgresql://{HOST}/x?user=app", SCOPE),
        (f"postgresql:///x?host={HOST}&user=app", SCOPE),
        (f"postgresql://app@one.{HOST},two.{HOST}/x", SCOPE),
        ("postgresql://app@x.private.postgres.database.azure.com/x", SCOPE),
        (
            "postgresql://app@x.postgres.database.usgovcloudapi.net/x",
            "https://ossrdbms-aad.database.usgovcloudapi.net/.default",
        ),
        (
            "postgresql://app@x.postgres.database.chinacloudapi.cn/x",
            "https://ossrdbms-aad.database.chinacloudapi.cn/.default",
        ),
    ],
)
def test_user_without_a_password_gets_a_token_at_a_server_of_azure(
    tokens: Tokens, url: str, scope: str
) -> None:
    assert parameters_for(url, tokens)["password"] == "token 1"
    assert tokens.asked == [scope]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app@db.example.org/x",
        "postgresql://app@127.0.0.1/x",
        "postgresql:///x",
        f"postgresql://{HOST}/x",
        f"postgresql://app:password@{HOST}/x",
        f"postgresql://app@{HOST}/x?password=password",
        f"postgresql://app@{HOST}/x?passfile=/etc/pgpass",
        f"postgresql://app@{HOST}.example.org/x",
        "postgresql://app@evilpostgres.database.azure.com/x",
        f"postgresql://app@{HOST},db.example.org/x",
        f"postgresql://app@db.example.org,{HOST}/x",
        "postgresql://app@x.postgres.database.azure.com,x.postgres.database.chinacloudapi.cn/x",
    ],
)
def test_other_hosts_get_no_token(tokens: Tokens, url: str) -> None:
    assert "token" not in parameters_for(url, tokens).get("password", "")
    assert tokens.asked == []


@pytest.mark.parametrize(
    ("said", "done"),
    [
        ("", "require"),
        ("?sslmode=disable", "require"),
        ("?sslmode=allow", "require"),
        ("?sslmode=prefer", "require"),
        ("?sslmode=require", "require"),
        ("?sslmode=verify-ca", "verify-ca"),
        ("?sslmode=verify-full", "verify-full"),
    ],
)
def test_token_is_sent_encrypted_at_least(tokens: Tokens, said: str, done: str) -> None:
    assert parameters_for(f"postgresql://app@{HOST}/x{said}", tokens)["sslmode"] == done


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without files of Postgres."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    return tmp_path


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("server", [f"app@{HOST}", "app:password@db.example.org"])
def test_server_certificate_is_checked_against_public_authorities(
    tokens: Tokens, server: str
) -> None:
    """Without it libpq refuses to connect: it has no default CAs."""
    parameters = parameters_for(f"postgresql://{server}/x?sslmode=verify-full", tokens)
    assert parameters["sslrootcert"] == certifi.where()
    assert "BEGIN CERTIFICATE" in Path(parameters["sslrootcert"]).read_text()


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca"])
def test_no_other_mode_is_given_authorities(tokens: Tokens, mode: str) -> None:
    """With CAs `require` would check more than it should, and `verify-ca` almost nothing."""
    url = f"postgresql://app:password@db.example.org/x?sslmode={mode}"
    assert "sslrootcert" not in parameters_for(url, tokens)


def test_configured_cas_replace_the_public_ones(
    tokens: Tokens, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql://app@{HOST}/x?sslmode=verify-full"
    named = parameters_for(f"{url}&sslrootcert=/ours.pem", tokens)
    assert named["sslrootcert"] == "/ours.pem"
    monkeypatch.setenv("PGSSLROOTCERT", "/ours.pem")
    assert "sslrootcert" not in parameters_for(url, tokens)
    monkeypatch.delenv("PGSSLROOTCERT")
    (home / ".postgresql").mkdir()
    (home / ".postgresql/root.crt").touch()
    assert "sslrootcert" not in parameters_for(url, tokens)


def test_password_is_sent_as_the_url_requires(tokens: Tokens) -> None:
    url = "postgresql://app:p%40ss@127.0.0.1:5433/x?sslmode=disable"
    assert parameters_for(url, tokens) == {
        **database_login.DEFAULTS,
        "user": "app",
        "password": "p@ss",
        "host": "127.0.0.1",
        "port": "5433",
        "dbname": "x",
        "sslmode": "disable",
    }
