"""TLS of the app's own HTTP clients: which certificates they trust."""

import functools
import ssl


@functools.cache
def machine_trust() -> ssl.SSLContext:
    """Trusts the authorities of the machine; one for the process, for any number of connections.

    Reading some 150 certificates takes 50 ms of CPU, more than everything else of a connection.
    """
    return ssl.create_default_context()
