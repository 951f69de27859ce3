"""What an expression of a template may come to, besides what JSON has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

type Value = Any
"""What JSON has, besides Symbol and Late."""


class Late(str):
    """Known while Azure deploys."""

    __slots__ = ()


class NotYetKnown(Exception):
    """A name, scope, condition or loop that Azure could not work out beforehand."""


class NotDeployed(Exception):
    """An output of a module that this deployment leaves out."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource that is to be; `name` is the full one, `body` all that is said of it."""

    file: str
    symbol: str
    type: str
    version: str
    name: str
    scope: str
    body: Mapping[str, Value]

    @property
    def id(self) -> str:
        provider, *types = self.type.split("/")
        parts = zip(types, self.name.split("/"), strict=True)
        path = "".join(f"/{kind}/{name}" for kind, name in parts)
        return f"{self.scope}/providers/{provider}{path}"

    @property
    def properties(self) -> dict[str, Value]:
        return dict(self.body.get("properties", {}))


@dataclass(frozen=True)
class Symbol:
    """A resource as an expression sees it."""

    resource: Resource

    def get(self, name: str) -> Value:
        if name == "id":
            return self.resource.id
        if name == "name":
            return self.resource.name.rpartition("/")[2]
        return Late(f"<{self.resource.symbol}.{name}>")
