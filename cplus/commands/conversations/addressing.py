"""Who gets a mail besides the one whom it is for: what a merchant writes into Cc and Bcc."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cplus.errors import InvalidInput
from cplus.mail import addresses_in, is_own_address, normal_address
from cplus.wording import worded

_SHOWN: Final = 80  # characters of what is no address
_LONGEST: Final = 20_000  # characters of a field: fifty of the longest addresses


@dataclass(frozen=True, slots=True)
class Copies:
    """Who gets copies, each address once and in lower case."""

    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()


def copies(cc: str, bcc: str, *, to: str | None, domain: str) -> Copies:
    """Reads both fields: addresses with commas, semicolons or spaces between, also as
    `Name <address>`. Who is named twice, or is the recipient (`to`) anyway, is kept once; Cc goes
    before Bcc. `domain` is that of the app's own addresses.

    Raises InvalidInput for what is no address, and for one of the app's own: a copy would come back
    as mail of the customer.
    """
    taken = {to} if to else set()
    found = []
    for name, field in (("Cc", cc), ("Bcc", bcc)):
        read = dict.fromkeys(one for one in _addresses(name, field, domain) if one not in taken)
        taken.update(read)
        found.append(tuple(read))
    return Copies(*found)


def _addresses(name: str, field: str, domain: str) -> list[str]:
    if len(field) > _LONGEST:
        raise InvalidInput(reason=worded("%(field)s is too long", field=name))
    found = []
    for written in addresses_in(field):
        address = normal_address(written)
        if address is None:
            raise InvalidInput(
                reason=worded(
                    "“%(address)s” in %(field)s is not an email address",
                    address=written[:_SHOWN],
                    field=name,
                )
            )
        if is_own_address(address, domain):
            reason = worded(
                "%(field)s has an address of this app, where customers write to you", field=name
            )
            raise InvalidInput(reason=reason)
        found.append(address)
    return found
