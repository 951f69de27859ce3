"""An HTTP request as handlers see it: who sent it, and the addresses of its answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import azure.functions as func

from clips.http import cursors, urls
from shared.model import User, Viewer

if TYPE_CHECKING:
    from clips.compose import Services

type PageKey = tuple[datetime | float, UUID]


@dataclass(frozen=True, slots=True)
class AnonymousRequest:
    """A request whose sender is unknown. Handlers call everything else through `services`."""

    services: "Services"
    http: func.HttpRequest

    def url_of(self, path: str) -> str:
        """The absolute URL of a path of the API."""
        return urls.absolute(self.http, path)

    def page[Item](
        self, items: Sequence[Item], limit: int, key: Callable[[Item], PageKey]
    ) -> tuple[Sequence[Item], dict[str, str]]:
        """The items to show, and a `Link` header (RFC 8288) to the next page if there is one.

        The caller fetches one item more than `limit`: if it exists, there is a next page.
        `key` gives the sort key after which the next page begins.
        """
        shown = items[:limit]
        if len(items) <= limit:
            return shown, {}
        cursor = cursors.encode(*key(shown[-1]))
        url = urls.with_query(self.http, {"cursor": cursor})
        return shown, {"Link": f'<{url}>; rel="next"'}


@dataclass(frozen=True, slots=True)
class Request(AnonymousRequest):
    """A request with a valid token: `user` sent it, and uses the data that `viewer` sees."""

    user: User
    viewer: Viewer
