"""What a reconciliation works with, and which shops have their turn in which hour."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from cplus.consumers.batches.hand_on import HandOn
from cplus.consumers.imports.importer import Importer
from cplus.deadline import Deadline
from cplus.errors import InvalidInput

RECONCILE: Final = "reconcile"
"""The field of a message with the day (UTC) for which a shop is compared."""
RECONCILE_HOUR: Final = "reconcile_hour"
"""The field of a message with the hour (UTC) whose shops are to be compared."""

_SHOPS: Final = 200
_MARGIN: Final = 20.0
_HOUR: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2})")


class Shops(Protocol):
    """Lists shops."""

    async def __call__(self, after: str, limit: int) -> list[str]:
        """The first shops with tokens behind that host, in order."""


@dataclass(frozen=True, slots=True)
class Reconciler:
    """What a reconciliation works with, besides what an import does."""

    importer: Importer
    shops: Shops
    namespace: str
    """That of its metrics."""


def hour_of(shop: str) -> int:
    """The hour of the day in which a shop's turn is: some shops in each."""
    return hashlib.sha256(shop.encode()).digest()[0] % 24


def hour_message(now: datetime) -> dict[str, Any]:
    """The message by which the shops of this hour have their turn."""
    return {RECONCILE_HOUR: now.strftime("%Y-%m-%dT%H"), "after": ""}


async def hand_out(use: Reconciler, limit: Deadline, message: Mapping[str, Any]) -> HandOn | None:
    """Sends a message for each shop whose hour it is; answers what is left when the time ends.

    It goes on behind the last shop. A message that is sent twice makes no second reconciliation of
    one day, and a shop that is passed over is compared the next day, with all since the last.
    """
    told = _HOUR.fullmatch(str(message.get(RECONCILE_HOUR)))
    after = message.get("after")
    if told is None or not isinstance(after, str):
        raise InvalidInput(reason="the message names no hour")
    day, hour = told[1], int(told[2])
    until = limit.with_margin(_MARGIN, 0.3)
    while page := await use.shops(after, _SHOPS):
        turn = [shop for shop in page if hour_of(shop) == hour]
        for shop in turn:
            await use.importer.send({"shop": shop, RECONCILE: day}, group=shop, delay=0)
        after = page[-1]
        if until.passed():
            return HandOn({**message, "after": after}, RECONCILE)
    return None
