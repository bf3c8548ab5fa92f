"""Which network addresses a registry may send us to.

A registry answers with other addresses: of its token server, of its storage. An answer must not make us ask the
machine's own services or a cloud's metadata service, also not by a name that resolves to them.
"""

import ipaddress
import socket
from dataclasses import dataclass

from releaser.registry.references import is_loopback

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Metadata services outside the link-local ranges.
_METADATA = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")))
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Forbidden(Exception):
    """An address that is never asked; `reason` completes the sentence "it …"."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"{host} {reason}")
        self.host = host
        self.reason = reason


@dataclass(frozen=True)
class AddressRule:
    """The rule for one registry: its own host may be on this machine; others only if the registry is there too."""

    own: str  # its host name, without a port

    def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a host, each one checked. Raises Forbidden, socket.gaierror."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            self._check(host, address)
        return addresses

    def check_name(self, host: str) -> None:
        """What can be said without a resolver, for a host that a proxy will resolve. Raises Forbidden."""
        if is_loopback(host):
            self._check(host, "127.0.0.1")
        try:
            self._check(host, host)
        except ValueError:
            return

    def _check(self, host: str, address: str) -> None:
        ip = _plain(ipaddress.ip_address(address.partition("%")[0]))
        if ip.is_link_local or ip in _METADATA:
            raise Forbidden(host, "is a link-local or metadata address")
        if ip.is_multicast or ip.is_unspecified:
            raise Forbidden(host, "is not the address of a machine")
        if ip.is_loopback and host != self.own and not is_loopback(self.own):
            raise Forbidden(host, "is this machine, which the registry is not")


def _plain(ip: _Address) -> _Address:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        return ip.ipv4_mapped or ip.sixtofour or ip
    return ip
