"""Settings without services, and the names of the settings that the app reads."""

from collections.abc import Mapping

from shared.settings import from_mapping

# All required settings except those that name a storage account.
REQUIRED = {
    "DATABASE_URL": "postgresql://cliplink@db.example.org/cliplink",
    "AUTH_ISSUER": "https://login.example.org",
    "AUTH_AUDIENCE": "cliplink",
    "AUTH_JWKS_URL": "https://login.example.org/keys",
}

COMPLETE = REQUIRED | {"AZURE_STORAGE_ACCOUNT_NAME": "clips"}


def names_read(settings: Mapping[str, str]) -> set[str]:
    """The names that the app reads at its start with these settings."""
    recording = _RecordingSettings(settings)
    from_mapping(recording)
    return recording.names


class _RecordingSettings(dict[str, str]):
    """A mapping that records the names that are read."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]  # one of dict's three
        self.names.add(key)
        return super().get(key, default)
