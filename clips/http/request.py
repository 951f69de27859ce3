"""An HTTP request as handlers see it: who sent it, and the addresses of its answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import azure.functions as func

from clips.http import cursors, urls
from shared.model.link import Client
from shared.model.user import RetryKey, User, Viewer

if TYPE_CHECKING:
    from clips.compose import Services

type PageKey = tuple[datetime | float, UUID]


@dataclass(frozen=True, slots=True)
class AnonymousRequest:
    """A request whose sender is unknown. Handlers call everything else through `services`."""

    services: "Services"
    http: func.HttpRequest
    public_url: str | None

    @property
    def is_head(self) -> bool:
        """Whether only the headers of the answer are wanted: then nothing may change."""
        return bool(self.http.method == "HEAD")

    @property
    def client(self) -> Client:
        """Where the request comes from.

        The first address of X-Forwarded-For is the client's, as the proxies in front of the app
        report it. A client can forge it, so nothing is allowed because of it.
        """
        headers = self.http.headers
        first = (headers.get("x-forwarded-for") or "").partition(",")[0].strip()
        return Client(_without_port(first), headers.get("user-agent") or "")

    def url_of(self, path: str) -> str:
        """The absolute URL of a path of the API."""
        return urls.absolute(self.http, path, self.public_url)

    def location_of(self, path: str) -> str:
        """As `url_of`, for `Location`: the URL is relative unless PUBLIC_URL is set."""
        return f"{self.public_url or ''}{path}"

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
        url = urls.with_query(self.http, {"cursor": cursor}, self.public_url)
        return shown, {"Link": f'<{url}>; rel="next"'}


@dataclass(frozen=True, slots=True)
class Request(AnonymousRequest):
    """A request with a valid token: `user` sent it, and uses the data that `viewer` sees."""

    user: User
    viewer: Viewer
    retry_key: RetryKey | None = None


def _without_port(address: str) -> str:
    """`203.0.113.4:51234` and `[2001:db8::1]:51234` without the port, which changes."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
