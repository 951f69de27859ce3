"""Which old addresses may be fetched from, and where they lead. Knows no HTTP.

An old address is data: whoever could write it must not make us ask machines that only we can
reach. https only; every address that a name resolves to has to be a public one, and exactly one
of those that were checked is connected to.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from clips.transfer.faults import Code, unmovable

_HTTPS_PORT = 443
# Public by its number, and yet the host of every machine on Azure:
# https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
_AZURE_HOST = ipaddress.ip_address("168.63.129.16")
# RFC 6052: the last four bytes are an IPv4 address.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# All of IPv6 that leads to the internet. Outside are forms of IPv4 that went out of use, such as
# ::127.0.0.1 and ::ffff:0:127.0.0.1, and fec0::/10, which was private:
# https://www.iana.org/assignments/ipv6-address-space
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """What to ask for, and the one address to ask there."""

    host: str
    port: int
    ip: str
    path: str


def fetchable(old_url: str) -> str | None:
    """The https address that an old one stands for, or None if it is no address of the web."""
    try:
        parts = urlsplit(old_url)
    except ValueError:
        return None
    if parts.scheme == "s3" and parts.netloc:
        # The virtual-hosted form; the names of buckets with dots have no certificate.
        return f"https://{parts.netloc}.s3.amazonaws.com/{quote(unquote(parts.path.lstrip('/')))}"
    return old_url if parts.scheme in {"http", "https"} and parts.netloc else None


def checked(url: str, *, allow_private: bool) -> Target:
    """Where a URL leads; raises UnmovableFile for what must not be asked, OSError for no answer."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _HTTPS_PORT
    except ValueError as error:
        raise unmovable(Code.REFUSED_ADDRESS, "it is malformed") from error
    if parts.scheme != "https":
        raise unmovable(Code.REFUSED_ADDRESS, "it is not https")
    if not host or parts.username or parts.password:
        raise unmovable(Code.REFUSED_ADDRESS, "it names a user, or no host")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # no name of a host, whoever were asked
        raise unmovable(Code.REFUSED_ADDRESS, "it is malformed") from error
    addresses = [str(address[0]) for *_, address in found]
    if not allow_private and not all(is_public(address) for address in addresses):
        raise unmovable(Code.REFUSED_ADDRESS, "it leads to a private address")
    path = parts.path or "/"
    return Target(host, port, addresses[0], f"{path}?{parts.query}" if parts.query else path)


def is_public(text: str) -> bool:
    address = _innermost(ipaddress.ip_address(text.partition("%")[0]))
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast and address != _AZURE_HOST


def _innermost(address: Address) -> Address:
    """The IPv4 address that an IPv6 address may stand for."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)
