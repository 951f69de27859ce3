"""Settings with nothing behind them, and which settings the app asks for."""

from collections.abc import Mapping

from shared.settings import from_mapping

# All that must be there, but for one of the ways to name a storage account.
REQUIRED = {
    "DATABASE_URL": "postgresql://cliplink@db.example.org/cliplink",
    "AUTH_ISSUER": "https://login.example.org",
    "AUTH_AUDIENCE": "cliplink",
    "AUTH_JWKS_URL": "https://login.example.org/keys",
}

COMPLETE = REQUIRED | {"AZURE_STORAGE_ACCOUNT_NAME": "clips"}


def names_read(settings: Mapping[str, str]) -> set[str]:
    """The names that the app asks for as it starts with these settings."""
    asked = _Asked(settings)
    from_mapping(asked)
    return asked.names


class _Asked(dict[str, str]):
    """A mapping that remembers what it was asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]  # one of dict's three
        self.names.add(key)
        return super().get(key, default)
