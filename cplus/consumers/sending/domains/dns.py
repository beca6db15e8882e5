"""Asks name servers.

By dnspython, which is Python alone: aiodns needs a library in C, for which Lambda would need a
build of its own, to make a handful of questions a day faster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from cplus.errors import CplusError

SECONDS: Final = 5.0
"""For one question, with all its tries."""


class DnsUnanswered(CplusError):
    """No name server answered what {name} says: {error}."""


class Texts(Protocol):
    """Reads the TXT records of a name."""

    async def __call__(self, name: str) -> Sequence[str]:
        """Each as one text; none if there is no such name. Raises DnsUnanswered."""


class Resolver:
    """Asks the name server at `address` (`127.0.0.1:5300`), or without one that of the machine."""

    def __init__(self, address: str = "", seconds: float = SECONDS) -> None:
        self._address = address
        self._seconds = seconds

    async def texts(self, name: str) -> Sequence[str]:
        """The TXT records of a name, see Texts."""
        import dns.asyncresolver
        import dns.exception
        import dns.resolver

        resolver = dns.asyncresolver.Resolver(configure=not self._address)
        if self._address:
            host, _, port = self._address.rpartition(":")
            resolver.nameservers, resolver.port = [host], int(port)
        try:
            async with asyncio.timeout(self._seconds + 1):
                answer = await resolver.resolve(
                    name, "TXT", lifetime=self._seconds, search=False, raise_on_no_answer=False
                )
        except dns.resolver.NXDOMAIN:
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise DnsUnanswered(name=name, error=type(error).__name__) from error
        found = answer.rrset or ()
        return [b"".join(one.strings).decode("utf-8", "replace") for one in found]
