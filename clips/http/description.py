"""The API's description, made when it is first asked for and then kept.

Whoever starts an instance for another call does not wait for it, nor load what makes it.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import orjson

from clips.http.operations import Route


class Description:
    """Of these routes, and of those that are added before it is first asked for."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes

    @cached_property
    def json(self) -> bytes:
        """The document, as openapi.json."""
        return orjson.dumps(self._document)

    @cached_property
    def page(self) -> bytes:
        """The document for people, as HTML."""
        from clips.http import docs_page

        return docs_page.page(self._document).encode()

    @cached_property
    def page_headers(self) -> Mapping[str, str]:
        """What the browser has to know of the page."""
        from clips.http import docs_page

        return {"Content-Security-Policy": docs_page.security_policy()}

    @cached_property
    def _document(self) -> dict[str, Any]:
        from clips.http import openapi

        return openapi.document(self._routes)
