"""The connections of the SDK's clients, whose answers are as strict as those of the app's own.

Imports the SDK: to be imported late (docs/adr/0020-late-imports.md).
"""

from typing import Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection

from shared.network.strict_http import StrictHTTPResponse


def strict_transport(*, connection_timeout: float, read_timeout: float) -> RequestsTransport:
    """A transport whose answers are limited as a whole; a client closes it when it is closed."""
    session = requests.Session()
    # The SDK's clients decide about retries and redirects.
    adapter = _Adapter(max_retries=Retry(total=False, redirect=False, raise_on_status=False))
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return RequestsTransport(
        session=session, connection_timeout=connection_timeout, read_timeout=read_timeout
    )


class _Http(HTTPConnection):
    response_class = StrictHTTPResponse


class _Https(HTTPSConnection):
    response_class = StrictHTTPResponse


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


_POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _HttpPool, "https": _HttpsPool}


class _Adapter(HTTPAdapter):
    """Opens strict connections, directly or through a proxy."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - handed on
        super().init_poolmanager(*arguments, **options)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> ProxyManager:  # noqa: ANN401 - handed on
        manager: ProxyManager = super().proxy_manager_for(*arguments, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager
