"""Settings that are absent from the environment come from the key vault."""

from dataclasses import dataclass, field

import pytest

from shared.settings import Settings, SettingsError, from_mapping
from shared.settings.secret import Fixed, Vault, VaultUnavailable
from tests.conftest import SetClock
from tests.unit.test_settings import COMPLETE, CONNECTION_STRING

URL = "https://cliplink.vault.azure.net"
DATABASE = COMPLETE["DATABASE_URL"]


@dataclass
class Keeper:
    """A vault in memory; `fault` is the error that it raises."""

    values: dict[str, str] = field(default_factory=dict)
    fault: str | None = None
    asked: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    def open(self, url: str) -> Vault:
        self.opened.append(url)
        return self

    def get(self, name: str, *, patient: bool = False) -> str | None:
        assert patient == (name not in self.asked), "only the start cannot go on without it"
        self.asked.append(name)
        if self.fault is not None:
            raise VaultUnavailable(self.fault)
        return self.values.get(name)

    def read(self, **environment: str) -> Settings:
        return from_mapping({"KEY_VAULT_URL": URL} | environment, self.open)

    def problems(self, **environment: str) -> list[str]:
        with pytest.raises(SettingsError) as caught:
            self.read(**environment)
        return caught.value.problems


def test_no_vault_is_opened_without_its_setting() -> None:
    keeper = Keeper()
    assert from_mapping(COMPLETE, keeper.open).database_url == Fixed(DATABASE)
    assert keeper.opened == []


def test_everything_can_be_in_the_vault() -> None:
    keeper = Keeper(COMPLETE | {"AZURE_STORAGE_CONTAINER_NAME": "films"})
    found = keeper.read()
    assert keeper.opened == [URL]
    assert found.database_url.current() == DATABASE
    assert found.auth.issuer == COMPLETE["AUTH_ISSUER"]
    assert found.container_prefix == "films"
    assert found.cleanup_schedule == "0 */5 * * * *"


def test_environment_overrides_the_vault() -> None:
    """The vault is not asked for it, because each request delays the start."""
    keeper = Keeper({"AUTH_AUDIENCE": "of the vault", "DATABASE_URL": "postgresql://vault/x"})
    found = keeper.read(**COMPLETE | {"AUTH_ISSUER": COMPLETE["AUTH_ISSUER"]})
    assert found.auth.audience == COMPLETE["AUTH_AUDIENCE"]
    assert found.database_url == Fixed(DATABASE)
    assert not set(keeper.asked) & {*COMPLETE, "KEY_VAULT_URL"}


def test_each_setting_is_requested_once() -> None:
    keeper = Keeper(COMPLETE)
    keeper.read()
    assert sorted(keeper.asked) == sorted(set(keeper.asked))


def test_empty_variable_is_read_from_the_vault() -> None:
    assert Keeper(COMPLETE).read(AUTH_AUDIENCE=" ").auth.audience == COMPLETE["AUTH_AUDIENCE"]


def test_setting_in_neither_place_is_missing() -> None:
    keeper = Keeper({name: value for name, value in COMPLETE.items() if name != "AUTH_ISSUER"})
    assert keeper.problems() == ["AUTH_ISSUER is missing"]


def test_wrong_value_in_the_vault_stops_the_start_without_being_shown() -> None:
    keeper = Keeper(COMPLETE | {"DATABASE_URL": "mysql://hush", "AUTH_JWKS_URL": "hush"})
    problems = keeper.problems(BLOB_TRIGGER_SOURCE="Pigeons")
    assert [p.split()[0] for p in problems] == [
        "AUTH_JWKS_URL",
        "DATABASE_URL",
        "BLOB_TRIGGER_SOURCE",
    ]
    assert "hush" not in "".join(problems)


def test_vault_that_gives_nothing_is_one_problem_among_others() -> None:
    """Absent settings may be in the vault, so none is called missing."""
    keeper = Keeper(fault="does not answer")
    problems = keeper.problems(AUTH_ISSUER="issuer", BLOB_TRIGGER_SOURCE="Pigeons")
    assert sorted(p.split()[0] for p in problems) == [
        "AUTH_ISSUER",
        "BLOB_TRIGGER_SOURCE",
        "KEY_VAULT_URL",
    ]
    assert "KEY_VAULT_URL does not answer" in problems
    assert len(keeper.asked) == 1, "a vault that does not answer is not asked again and again"


@pytest.mark.parametrize(
    "url",
    [
        "http://cliplink.vault.azure.net",
        "http://localhost:8443",
        "http://127.0.0.1:8443",
        "cliplink.vault.azure.net",
        "https://",
        "https://[half",
        "https://cliplink.vault.azure.net:port",
        "https://cliplink.vault.azure.net/secrets",
        "https://cliplink.vault.azure.net?x=1",
        "https://cliplink.vault.azure.net#x",
        "https://me@cliplink.vault.azure.net",
    ],
)
def test_vault_has_an_https_address_and_nothing_else(url: str) -> None:
    keeper = Keeper(COMPLETE)
    problems = keeper.problems(KEY_VAULT_URL=url, BLOB_TRIGGER_SOURCE="Pigeons")
    assert [p.split()[0] for p in problems] == ["KEY_VAULT_URL", "BLOB_TRIGGER_SOURCE"]
    assert keeper.opened == []


def test_address_may_end_with_a_slash() -> None:
    """The portal shows the address with a slash."""
    keeper = Keeper(COMPLETE)
    keeper.read(KEY_VAULT_URL=f"{URL}/")
    assert keeper.opened == [f"{URL}/"]


def test_secret_from_the_vault_can_change(clock: SetClock) -> None:
    keeper = Keeper(dict(COMPLETE))
    found = from_mapping({"KEY_VAULT_URL": URL}, keeper.open, clock)
    keeper.values["DATABASE_URL"] = "postgresql://elsewhere/x"
    assert found.database_url.current() == DATABASE
    clock.advance(minutes=10)
    assert found.database_url.current() == "postgresql://elsewhere/x"


def test_changed_secret_is_checked_as_at_the_start(clock: SetClock) -> None:
    keeper = Keeper(dict(COMPLETE))
    found = from_mapping({"KEY_VAULT_URL": URL}, keeper.open, clock)
    keeper.values["DATABASE_URL"] = "mysql://elsewhere/x"
    assert found.database_url.replacement_for(DATABASE) is None
    assert found.database_url.current() == DATABASE


def test_no_secret_is_in_the_text_of_the_settings() -> None:
    """Settings may end up in a log or in the report of a crash."""
    for found in (from_mapping(COMPLETE), Keeper(COMPLETE).read()):
        assert DATABASE not in repr(found)
        assert CONNECTION_STRING not in repr(found)
