"""Who acts: a shop's staff, an operator, or a part of this system.

A commit keeps it as `merchant/<user>`, `operator/<name>` or `system/<function>`. Sessions and
commits from before users were known say `merchant` alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from cplus.errors import InvalidActor
from cplus.wording import worded

Source: TypeAlias = Literal["cli", "console", "dashboard", "mail"]
"""Through what somebody acts: a commit keeps it beside the actor."""

_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NO_OPERATOR: Final = {"merchant", ".", ".."}
MAILBOX: Final = "mailbox/"
"""What the id of an actor begins with who is one of the merchant's own mailboxes."""
_CALLED: Final = 100  # characters


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts. Both the id and what they are called are personal data of staff: they
    never enter a log line."""

    kind: Literal["merchant", "operator", "system"]
    id: str = ""
    """Empty if it is not known which of them it is."""
    called: str = ""
    """What people call them, if known. Sign-in links and sessions keep it, and no commit."""

    def __str__(self) -> str:
        """What a commit keeps."""
        return f"{self.kind}/{self.id}" if self.id else self.kind

    @property
    def author(self) -> str:
        """What an event keeps of whoever wrote something: the id alone."""
        return self.id or self.kind

    @property
    def shown(self) -> str:
        """How people read who it was. Shopify tells no name of a member of staff."""
        if self.kind == "merchant" and self.id.isdecimal() and not self.called:
            return worded("Staff member %(number)s", number=self.id)
        if self.id.startswith(MAILBOX) and not self.called:
            return worded("By email")
        return self.called or self.id or self.kind


def merchant(user: str, called: str = "") -> Actor:
    """A user of a shop; raises InvalidActor."""
    return Actor("merchant", actor_id(user), _called(called))


def operator(name: str) -> Actor:
    """Somebody who runs the app; raises InvalidActor, also for a name that reads as somebody
    else's or as a path."""
    if name.lower() in _NO_OPERATOR:
        raise InvalidActor
    return Actor("operator", actor_id(name))


def mailbox(mailbox_id: str) -> Actor:
    """Whoever writes from one of the merchant's own mailboxes; raises InvalidActor."""
    return Actor("merchant", f"{MAILBOX}{actor_id(mailbox_id)}")


def system(function: str) -> str:
    """The `actor` of a commit by a part of this system, for example `system/import`."""
    return str(Actor("system", actor_id(function)))


def actor_id(value: str) -> str:
    """The id, if it can be one; raises InvalidActor. It has 1 to 64 of `A-Z a-z 0-9 . _ -`."""
    if _ID.fullmatch(value) is None:
        raise InvalidActor
    return value


def _called(name: str) -> str:
    name = name.strip()
    if len(name) > _CALLED or not name.isprintable():
        raise InvalidActor
    return name


SHOPPER: Final = "shopper"
"""The `actor` of a customer who wrote: a commit keeps no more of them."""

MERCHANT: Final = Actor("merchant")
"""A merchant whose session began before users were known."""

ADMIN: Final = Actor("merchant", "admin", worded("Shop admin"))
"""A merchant who came through the shop's Admin by the OAuth code grant: its offline tokens belong
to the shop, and Shopify does not say which member of staff asked for them."""

LOCAL: Final = Actor("merchant", "local", worded("Local user"))
"""A merchant who used a sign-in link that names no user."""
