"""What an operator does with messages that failed too often: looks at them, and sends them back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal

from cplus.actors import Actor
from cplus.aws import DeadLetter, DeadLetters
from cplus.commands.looking import Looks, look
from cplus.consumers.batches.sqs import json_object
from cplus.consumers.webhooks.deliveries import named_shop
from cplus.errors import InvalidInput
from cplus.mail import tagged_shop
from cplus.shopify.hosts import SUFFIX, shop_host


@dataclass(frozen=True, slots=True)
class Shown:
    """A dead letter that an operator may see whole."""

    letter: DeadLetter
    shop: str | None
    recorded: int | None
    """Position of the look in the shop's log; None if the message names no shop that has one."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What everybody may see of a dead letter: all but its body."""

    id: str
    shop: str | None
    sent_at: datetime
    receives: int
    size: int


def _own_shop(body: str) -> str:
    """As the messages of our own functions name it."""
    return shop_host(json_object(body).get("shop"))


def _tagged(body: str) -> str:
    return shop_host(f"{tagged_shop(body) or ''}{SUFFIX}")


_NAMING: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {"webhooks": named_shop, "mail-events": _tagged}
)
"""How messages from outside name their shop, by the name of their queue."""


def shop_of(queue: str, letter: DeadLetter) -> str | None:
    """The shop that a message names; None if it names none, as a mail does before it is read."""
    try:
        return _NAMING.get(queue, _own_shop)(letter.body)
    except InvalidInput:
        return None


def without_body(queue: str, letter: DeadLetter) -> Listed:
    """What everybody may see of it."""
    shop = shop_of(queue, letter)
    return Listed(letter.id, shop, letter.sent_at, letter.receives, letter.size)


async def listed(queue: str, most: int, *, dead: DeadLetters) -> list[Listed]:
    """Up to `most` dead letters of a queue, the oldest first; no more bodies are in memory than
    those of one call. Raises UnknownQueue and QueueUnanswered."""
    async with aclosing(dead.letters(queue, most)) as letters:
        found = [without_body(queue, letter) async for letter in letters]
    return sorted(found, key=lambda one: (one.sent_at, one.id))


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
    shop, recorded = shop_of(queue, letter), None
    if shop is not None:
        about = f"dead-letter/{queue}/{letter.id}"
        recorded = await look(
            shop, question="dead show", about=about, actor=actor, source=source, use=use
        )
    return Shown(letter, shop, recorded)
