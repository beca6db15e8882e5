"""Who works in each shop of the local Shopify."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple


class Staff(NamedTuple):
    """A member of staff."""

    first_name: str
    last_name: str
    account_owner: bool = False

    @property
    def shown(self) -> str:
        """As the Admin lists them."""
        return f"{self.first_name} {self.last_name}{', owner' if self.account_owner else ''}"


STAFF: Final[Mapping[str, Staff]] = {
    "1": Staff("Robin", "Vale", account_owner=True),
    "2": Staff("Sam", "Ito"),
}
"""By the ids that their id tokens have."""


def associated_user(user: str) -> dict[str, Any]:
    """What an online access token tells of them (Shopify, "Online access tokens"); of somebody
    who is not listed, no name."""
    known = STAFF.get(user, Staff("", ""))
    return {
        "id": int(user),
        "first_name": known.first_name,
        "last_name": known.last_name,
        "email": f"staff{user}@merchant.example",
        "email_verified": True,
        "account_owner": known.account_owner,
        "locale": "en",
        "collaborator": False,
    }
