"""The API's description, generated when it is first requested and then kept.

Other requests neither wait for it nor load the modules that generate it.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clips.http.routes import Route


class Description:
    """Describes `routes`, with those that are added before the first request."""

    def __init__(self, routes: "Sequence[Route]") -> None:
        self._routes = routes

    @cached_property
    def json(self) -> bytes:
        """The document, as openapi.json."""
        import orjson

        return orjson.dumps(self._document)

    @cached_property
    def page(self) -> bytes:
        """The document for people, as HTML."""
        from clips.http.openapi import page as docs_page

        return docs_page.page(self._document).encode()

    @cached_property
    def page_headers(self) -> Mapping[str, str]:
        """The headers of the page: its content security policy."""
        from clips.http.openapi import page as docs_page

        return {"Content-Security-Policy": docs_page.security_policy()}

    @cached_property
    def _document(self) -> dict[str, Any]:
        from clips.http.openapi import document as openapi

        return openapi.document(self._routes)
