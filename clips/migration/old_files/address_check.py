"""Checks which addresses may be fetched from, and resolves them. Knows no HTTP.

Addresses come from data, so they must not lead to machines that only this one can reach. Only
https; every IP address that a name resolves to must be public, and the connection goes to exactly
one of the checked ones.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from clips.migration.reasons import Reason, not_migratable
from shared.errors import UnusableFile

_HTTPS_PORT = 443
# In a public range, but it is the host of every machine on Azure:
# https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
_AZURE_HOST = ipaddress.ip_address("168.63.129.16")
# RFC 6052: the last four bytes are an IPv4 address.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# All of IPv6 that leads to the internet. Outside it are obsolete forms of IPv4, such as
# ::127.0.0.1 and ::ffff:0:127.0.0.1, and fec0::/10, which was private:
# https://www.iana.org/assignments/ipv6-address-space
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """What to request, and the one IP address to request it from."""

    host: str
    port: int
    ip: str
    path: str


def resolve(url: str, *, allow_private: bool) -> Target:
    """Raises UnusableFile for an address that must not be used, OSError if none is found."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _HTTPS_PORT
    except ValueError as error:
        raise _refused("it is malformed") from error
    if parts.scheme != "https":
        raise _refused("it is not https")
    if not host or parts.username or parts.password:
        raise _refused("it contains a user name, or no host")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # never a host name
        raise _refused("it is malformed") from error
    addresses = [str(address[0]) for *_, address in found]
    if not allow_private and not all(is_public(address) for address in addresses):
        raise _refused("it leads to a private address")
    path = parts.path or "/"
    return Target(host, port, addresses[0], f"{path}?{parts.query}" if parts.query else path)


def is_public(text: str) -> bool:
    address = _innermost(ipaddress.ip_address(text.partition("%")[0]))
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast and address != _AZURE_HOST


def _innermost(address: Address) -> Address:
    """The IPv4 address that is embedded in an IPv6 address, if one is."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def _refused(cause: str) -> UnusableFile:
    return not_migratable(Reason.REFUSED_ADDRESS, cause)
