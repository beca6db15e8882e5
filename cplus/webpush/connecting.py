"""Connects to push services, and to nothing inside our own network.

A browser says where its push service is, so a stranger could name any host. A name is resolved
here, and the connection goes to the address that was looked at: the name cannot lead elsewhere in
between (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from typing import Final

import httpcore

from cplus.errors import NotPublic

_EMBEDS: Final = tuple(
    ipaddress.ip_network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "::/96")
)
"""IPv6 addresses that lead to an IPv4 address, which may be an inner one (RFC 6052, 8215, 3056)."""


class PublicOnly(httpcore.AnyIOBackend):
    """Opens connections to public addresses alone."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """The connection; raises NotPublic if any of the name's addresses is not public."""
        try:
            async with asyncio.timeout(timeout):
                found = await asyncio.get_running_loop().getaddrinfo(
                    host, port, type=socket.SOCK_STREAM
                )
        except UnicodeError as error:  # no name that there can be
            raise NotPublic from error
        except (OSError, TimeoutError) as error:
            raise httpcore.ConnectError(str(error)) from error
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        if not addresses or not all(map(is_public, addresses)):
            raise NotPublic
        return await super().connect_tcp(addresses[0], port, timeout, local_address, socket_options)


def is_public(address: str) -> bool:
    """Whether the address is one of the internet (IANA's registries of special addresses)."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if any(found in network for network in _EMBEDS):
            return False
    return found.is_global and not found.is_multicast
