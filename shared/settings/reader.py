"""Looks settings up: in the environment, then in the key vault that is named there.

Knows no setting but KEY_VAULT_URL. Continues after a problem, so that all of them are reported.
"""

from collections.abc import Callable, Mapping

from shared.clock import Clock
from shared.settings.checks import check_vault_url
from shared.settings.secret import Fixed, Rotating, Secret, Vault, VaultUnavailable

# Takes a value and returns the problem with it, or None.
type Check = Callable[[str], str | None]


class SettingReader:
    """Looks values up, in the environment and then in the vault; collects the problems."""

    def __init__(
        self, values: Mapping[str, str], vault_of: Callable[[str], Vault], clock: Clock
    ) -> None:
        self._values = values
        self._clock = clock
        self._vault: Vault | None = None
        self.fault: VaultUnavailable | None = None
        self.problems: list[str] = []
        url = self.get("KEY_VAULT_URL", check_vault_url)
        # While a named vault cannot be read, it is unknown what is missing.
        self._sees_all = not self.problems
        if url is not None and self._sees_all:
            self._vault = vault_of(url)

    def of_platform(self, name: str) -> str | None:
        """A setting that the Functions host reads too, which knows the environment alone."""
        return self._in_environment(name)

    def get(self, name: str, check: Check | None = None) -> str | None:
        value = self._in_environment(name) or self._in_vault(name)
        if value is not None and check is not None and (problem := check(value)):
            self.problems.append(f"{name} {problem}")
        return value

    def required(self, name: str, check: Check | None = None) -> str:
        value = self.get(name, check)
        if value is None:
            self.missing(f"{name} is missing")
        return value or ""

    def optional(self, name: str, default: str, check: Check) -> str:
        return self.get(name, check) or default

    def secret(self, name: str, check: Check) -> Secret | None:
        """A value that is read again if it came from the vault."""
        value = self.get(name, check)
        if value is None:
            return None
        if self._vault is None or self._in_environment(name):
            return Fixed(value)
        return Rotating(name, value, self._vault, check, self._clock)

    def required_secret(self, name: str, check: Check) -> Secret:
        secret = self.secret(name, check)
        if secret is None:
            self.missing(f"{name} is missing")
        return secret or Fixed("")

    def missing(self, problem: str) -> None:
        """Notes that something is in neither place."""
        if self._sees_all:
            self.problems.append(problem)

    def _in_environment(self, name: str) -> str | None:
        return self._values.get(name, "").strip() or None

    def _in_vault(self, name: str) -> str | None:
        """After its first fault the vault is not asked again: each request could take seconds."""
        if self._vault is None:
            return None
        try:
            return self._vault.get(name, patient=True)
        except VaultUnavailable as fault:
            self.problems.append(f"KEY_VAULT_URL {fault}")
            self._vault, self.fault, self._sees_all = None, fault, False
            return None
