"""What an operator does with messages that failed too often: looks at them, and sends them back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from cplus.actors import Actor
from cplus.aws import DeadLetter, DeadLetters
from cplus.commands.looking import Looks, look
from cplus.errors import InvalidShop
from cplus.shopify.hosts import shop_host


@dataclass(frozen=True, slots=True)
class Shown:
    """A dead letter that an operator may see whole."""

    letter: DeadLetter
    shop: str | None
    recorded: int | None
    """Position of the look in the shop's log; None if the message names no shop that has one."""


def shop_of(letter: DeadLetter) -> str | None:
    """The shop that a message names; None if it names none, as a mail does before it is read."""
    try:
        return shop_host(json.loads(letter.body).get("shop"))
    except (AttributeError, InvalidShop, RecursionError, ValueError):
        return None


async def show(
    queue: str,
    id_: str,
    *,
    actor: Actor,
    source: Literal["cli", "console"],
    dead: DeadLetters,
    use: Looks,
) -> Shown:
    """The dead letter with its body, which may hold personal data: the look is recorded first, in
    the log of the shop that the message names.

    Raises UnknownQueue, NoDeadLetter, QueueUnanswered, and as `look` does.
    """
    letter = await dead.letter(queue, id_)
    shop, recorded = shop_of(letter), None
    if shop is not None:
        about = f"dead-letter/{queue}/{letter.id}"
        recorded = await look(
            shop, question="dead show", about=about, actor=actor, source=source, use=use
        )
    return Shown(letter, shop, recorded)
