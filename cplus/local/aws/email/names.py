"""A name server for the domains of merchants, on loopback: whoever tries something writes records
into it by the control route, and the local SES and the app read them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

_TYPES: Final = ("TXT", "CNAME", "MX")
_NAME: Final = re.compile(r"[a-z0-9_.-]{1,253}")
_TTL: Final = 0
_PIECE: Final = 255  # bytes of one string of a TXT record


class Names:
    """The records, by name and type."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], tuple[str, ...]] = {}

    def told(self, wanted: Mapping[str, Sequence[str]]) -> None:
        """Writes records as the control route was told: `{"NAME TYPE": [value, …]}`, an empty list
        to take them away. Raises ValueError for another type."""
        for key, values in wanted.items():
            name, _, kind = key.rpartition(" ")
            name = name.lower().rstrip(".")
            if kind not in _TYPES or not _NAME.fullmatch(name) or isinstance(values, str):
                raise ValueError(f"records are NAME and one of {_TYPES}, with a list of values")
            if values:
                self._records[name, kind] = tuple(values)
            else:
                self._records.pop((name, kind), None)

    def state(self) -> dict[str, Sequence[str]]:
        """As the control route answers."""
        return {f"{name} {kind}": values for (name, kind), values in self._records.items()}

    def read(self, name: str, kind: str) -> Sequence[str]:
        """The values of a record; none if there is none."""
        return self._records.get((name.lower().rstrip("."), kind), ())

    def answer(self, question: bytes) -> bytes | None:
        """Answers one packet; None for what is no question."""
        try:
            asked = dns.message.from_wire(question)
            [one] = asked.question
        except (dns.exception.DNSException, ValueError):
            return None
        told = dns.message.make_response(asked)
        told.flags |= dns.flags.AA | dns.flags.RA
        name = one.name.to_text()
        kind = dns.rdatatype.to_text(one.rdtype)
        values = self.read(name, kind)
        if values:
            texts = [_quoted(value) if kind == "TXT" else _absolute(value) for value in values]
            told.answer.append(dns.rrset.from_text(one.name, _TTL, "IN", kind, *texts))
        elif not any(known == name.lower().rstrip(".") for known, _ in self._records):
            told.set_rcode(dns.rcode.NXDOMAIN)
        return told.to_wire()


class NamesProtocol(asyncio.DatagramProtocol):
    """Answers the questions that come to a socket."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """The socket is open."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """A packet came."""
        if (told := self._names.answer(data)) is not None:
            self._transport.sendto(told, addr)


def _quoted(value: str) -> str:
    pieces = [value[i : i + _PIECE] for i in range(0, len(value), _PIECE)] or [""]
    escaped = (one.replace("\\", "\\\\").replace('"', '\\"') for one in pieces)
    return " ".join(f'"{one}"' for one in escaped)


def _absolute(value: str) -> str:
    return value if value.endswith(".") else f"{value}."
