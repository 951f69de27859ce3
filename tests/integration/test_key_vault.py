"""Settings from a key vault, read by the vendor's own client over HTTPS as a managed identity."""

import json
import os
import subprocess
import sys
from itertools import repeat
from pathlib import Path

import pytest

from shared.auth.app_identity import AppIdentity
from shared.settings import key_vault
from shared.settings.key_vault import KeyVault
from shared.settings.secret import VaultUnavailable
from tests.integration.vault import FakeVault, refusal
from tests.servers import Reply, refusing

ROOT = Path(__file__).parents[2]
SECRET = "postgresql://cliplink:hush@db.example.org/cliplink"


@pytest.fixture(autouse=True)
def a_secret(vault: FakeVault) -> None:
    vault.secrets["DATABASE-URL"] = SECRET


def opened(vault: FakeVault) -> KeyVault:
    return KeyVault(vault.url, AppIdentity())


def fault(vault: FakeVault) -> str:
    """The message about a vault without an answer, which must not contain the secret."""
    with pytest.raises(VaultUnavailable) as caught:
        opened(vault).get("DATABASE_URL", patient=True)
    said = []
    error: BaseException | None = caught.value
    while error is not None:
        said.append(repr(error))
        error = error.__cause__ or error.__context__
    assert len(said) > 1, "the cause is kept"
    assert "hush" not in "".join(said)
    return str(caught.value)


def test_secret_has_the_name_of_its_setting_with_hyphens(vault: FakeVault) -> None:
    assert opened(vault).get("DATABASE_URL") == SECRET
    assert vault.asked == ["DATABASE-URL"]


@pytest.mark.parametrize("value", ["", " ", "\n"])
def test_empty_secret_is_an_absent_one(vault: FakeVault, value: str) -> None:
    vault.secrets["TEMP-DIR"] = value
    assert opened(vault).get("TEMP_DIR") is None
    assert opened(vault).get("CLEANUP_SCHEDULE") is None


def test_secret_is_stripped_of_surrounding_space(vault: FakeVault) -> None:
    """`az keyvault secret set --file` includes the last newline of the file."""
    vault.secrets["AUTH-AUDIENCE"] = " cliplink\n"
    assert opened(vault).get("AUTH_AUDIENCE") == "cliplink"


def test_many_secrets_take_one_challenge_and_one_token(vault: FakeVault) -> None:
    keeper = opened(vault)
    for _ in range(5):
        keeper.get("DATABASE_URL")
    assert len(vault.asked) == 5
    assert vault.challenges == 1
    assert vault.identity.asked == [vault.resource]


def test_vault_that_asks_for_a_token_for_another_service_gets_none(vault: FakeVault) -> None:
    """A host that imitates the vault must not get a token for another service."""
    vault.resource = "https://vault.azure.net"
    assert fault(vault).startswith("asks for tokens that are not for it")
    assert vault.identity.asked == []
    assert vault.asked == []


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (
            refusal(403, "Forbidden", "ForbiddenByRbac"),
            "refuses to give the secret DATABASE-URL to the app's identity (ForbiddenByRbac)",
        ),
        (
            refusal(403, "Forbidden"),
            "refuses to give the secret DATABASE-URL to the app's identity (Forbidden)",
        ),
        (
            Reply(403, b"<h1>No</h1>"),
            "refuses to give the secret DATABASE-URL to the app's identity (no reason given)",
        ),
        (refusal(400, "BadParameter"), "answers with 400 when asked for the secret DATABASE-URL"),
        (Reply(404, b"<h1>Nothing here</h1>"), "does not answer like a key vault"),
        (Reply(200, b"<h1>Welcome</h1>"), "does not answer like a key vault"),
        (Reply(200, b'{"value": "hush', {"Content-Type": "application/json"}), "does not answer"),
    ],
)
def test_refusal_quotes_the_vault(vault: FakeVault, reply: Reply, said: str) -> None:
    vault.replies = repeat(reply)
    assert fault(vault).startswith(said)


def test_short_fault_of_the_vault_is_retried_a_few_times(
    vault: FakeVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller waits for every call, so no retry hint of the vault extends it."""
    monkeypatch.setattr(key_vault, "_LONGEST_PAUSE", 0.01)
    busy = refusal(503, "ServiceUnavailable", **{"Retry-After": "3600"})
    vault.replies = repeat(busy)
    assert fault(vault) == "answers with 503 when asked for the secret DATABASE-URL"
    assert len(vault.asked) == 3
    vault.replies = repeat(busy, 2)
    assert opened(vault).get("DATABASE_URL", patient=True) == SECRET


def test_caller_with_a_value_does_not_wait(vault: FakeVault) -> None:
    vault.replies = repeat(refusal(503, "ServiceUnavailable", **{"Retry-After": "3600"}))
    with pytest.raises(VaultUnavailable):
        opened(vault).get("DATABASE_URL")
    assert len(vault.asked) == 1


def test_unreachable_vault_does_not_answer(vault: FakeVault) -> None:
    with refusing() as port:
        vault.url = f"https://127.0.0.1:{port}"
        assert fault(vault) == "does not answer"


def test_vault_with_an_untrusted_certificate_does_not_answer(
    vault: FakeVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    assert fault(vault) == "does not answer"
    assert vault.identity.asked == []


def test_vault_needs_an_identity(vault: FakeVault) -> None:
    vault.identity.broken = True
    assert fault(vault) == "cannot be read: the app's identity cannot sign in"


# --- Processes that find a vault in their environment


def run(vault: FakeVault, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs Python as on an instance that has only the vault and a few other settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-W", "error", *command],
        cwd=ROOT,
        env=kept | vault.environment | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


START = """
import json, function_app
settings = function_app.settings
print(json.dumps({
    "issuer": settings.auth.issuer,
    "schedule": settings.cleanup_schedule,
    "account": function_app.services.library._account.name,
    "trigger": settings.storage.trigger_connection,
}))
"""


def test_app_starts_with_everything_in_the_vault(vault: FakeVault) -> None:
    """Only the blob trigger's connection is a plain setting, because the host reads it."""
    vault.secrets |= {
        "AZURE-STORAGE-CONNECTION-STRING": "AccountName=clips;AccountKey=aHVzaA==",
        "AUTH-ISSUER": "https://login.example.org/of-the-vault",
        "AUTH-AUDIENCE": "cliplink",
        "AUTH-JWKS-URL": "https://login.example.org/keys",
        "CLEANUP-SCHEDULE": "0 0 * * * *",
    }
    started = run(vault, "-c", START, CLEANUP_SCHEDULE="0 30 * * * *")
    assert started.returncode == 0, started.stderr
    assert json.loads(started.stdout) == {
        "issuer": "https://login.example.org/of-the-vault",
        "schedule": "0 30 * * * *",
        "account": "clips",
        "trigger": "AZURE_STORAGE",
    }
    assert "CLEANUP-SCHEDULE" not in vault.asked


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (refusal(403, "Forbidden"), "refuses to give the secret AZURE-STORAGE-CONNECTION-STRING"),
        (None, "does not answer"),
    ],
)
def test_start_without_its_vault_fails_and_names_other_problems(
    vault: FakeVault, fault: Reply | None, said: str
) -> None:
    vault.replies = repeat(fault) if fault else iter(())
    with refusing() as port:
        elsewhere = {} if fault else {"KEY_VAULT_URL": f"https://127.0.0.1:{port}"}
        started = run(vault, "-c", START, AUTH_ISSUER="issuer", DATABASE_URL=SECRET, **elsewhere)
    assert started.returncode != 0
    problems = [line for line in started.stderr.splitlines() if line.startswith("  - ")]
    assert len(problems) == 2
    assert problems[0].startswith(f"  - KEY_VAULT_URL {said}")
    assert problems[1] == "  - AUTH_ISSUER must be an https:// URL"
    assert "hush" not in started.stdout + started.stderr


def test_migrations_find_their_database_in_the_vault(
    vault: FakeVault, empty_database_url: str
) -> None:
    vault.secrets["DATABASE-URL"] = empty_database_url
    ran = run(vault, "-m", "shared.migrate")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("applied 000_cliplink")
    assert vault.asked == ["DATABASE-URL"], "and ask for nothing else"


def test_migrations_stop_without_their_vault(vault: FakeVault) -> None:
    vault.replies = repeat(refusal(403, "Forbidden", "ForbiddenByFirewall"))
    ran = run(vault, "-m", "shared.migrate")
    assert ran.returncode != 0
    assert "KEY_VAULT_URL refuses to give the secret DATABASE-URL" in ran.stderr
    assert "DATABASE_URL is missing" not in ran.stderr
