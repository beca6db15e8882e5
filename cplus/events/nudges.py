"""Nudges: "look at this shop", sent once per shop and batch, after the append. Only a hint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import structlog

from cplus.aws import Aws
from cplus.events.log.outcomes import AlreadyRecorded, Appended, Outcome

log = structlog.get_logger()


class Nudger(Protocol):
    """Tells all followers of the log that there are new commits."""

    async def nudge(self, heads: Mapping[str, int]) -> None:
        """`heads` is the position to look for, by shop. Never raises: a nudge is a hint."""
        ...


class TopicNudger:
    """Publishes nudges to the SNS topic. A failed nudge is only logged: the sweep makes up for
    it."""

    def __init__(self, aws: Aws, topic: str) -> None:
        self._aws = aws
        self._topic = topic

    async def nudge(self, heads: Mapping[str, int]) -> None:
        """Publishes one message per shop: {"shop", "position"}."""
        if not heads:
            return
        messages = [(s, {"shop": s, "position": position}) for s, position in heads.items()]
        try:
            refused = await self._aws.publish(self._topic, messages)
        except Exception as error:  # noqa: BLE001  whatever happens here, the append already stands
            log.warning("nudge_failed", shops=len(messages), error=type(error).__name__)
            return
        if refused:
            log.warning("nudge_refused", shops=len(refused))


def heads_of(outcomes: Iterable[Outcome | None]) -> dict[str, int]:
    """The highest position per shop among the outcomes, recorded now or before."""
    heads: dict[str, int] = {}
    for outcome in outcomes:
        if isinstance(outcome, Appended):
            shop, position = outcome.shop, outcome.position
        elif isinstance(outcome, AlreadyRecorded):
            shop, position = outcome.commit.shop, outcome.commit.position
        else:
            continue
        heads[shop] = max(position, heads.get(shop, 0))
    return heads
