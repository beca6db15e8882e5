"""What a merchant set for the mail of their shop (stream `settings/<host>`).

The words in it are the merchant's own, and may name members of their staff. They are sealed under a
key that is made for the event alone: no customer has it, and it is destroyed with the shop's.
"""

from __future__ import annotations

from typing import ClassVar

from cplus.events.base import AggregateEvent, Personal


class SignatureSet(AggregateEvent):
    """The merchant said what stands below the replies of the shop, or below those of one user."""

    TYPE: ClassVar[str] = "settings.signature_set"
    person: str
    """Whose key seals it: an id that nothing else has."""
    user: str | None = None
    """The user whose replies it stands below, by the id of the actor; None for everybody who has
    none of their own."""
    text: Personal[str | None]
    """Plain text; empty for none."""
    anew: bool = False
    """The shop was erased since it was last set up: no setting from before counts any more."""
