"""Nudges: "look at this shop", sent once per shop and batch, after the append. Only a hint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from cplus.aws import Aws, TopicMessage

log = structlog.get_logger()

FAMILIES: Final = "families"
"""The attribute of a nudge's message by which a subscription may filter."""


@dataclass(frozen=True, slots=True)
class News:
    """What was recorded in one shop."""

    position: int
    """The position to look for."""
    families: frozenset[str] = frozenset()
    """Of the events that were recorded; none if it was a cause that means nothing."""

    def joined(self, other: News) -> News:
        """Both, told at once."""
        return News(max(self.position, other.position), self.families | other.families)


class Nudger(Protocol):
    """Tells all followers of the log that there are new commits."""

    async def nudge(self, news: Mapping[str, News]) -> None:
        """`news` is by shop. Never raises: a nudge is a hint."""
        ...


class TopicNudger:
    """Publishes nudges to the SNS topic. A failed nudge is only logged: the sweep makes up for
    it."""

    def __init__(self, aws: Aws, topic: str) -> None:
        self._aws = aws
        self._topic = topic

    async def nudge(self, news: Mapping[str, News]) -> None:
        """Publishes one message per shop: {"shop", "position"}, with the families of the news as
        an attribute."""
        if not news:
            return
        messages = [_message(shop, one) for shop, one in news.items()]
        try:
            refused = await self._aws.publish(self._topic, messages)
        except Exception as error:  # noqa: BLE001  whatever happens here, the append already stands
            log.warning("nudge_failed", shops=len(messages), error=type(error).__name__)
            return
        if refused:
            log.warning("nudge_refused", shops=len(refused))


class Untold:
    """Tells nobody, and leaves it to the sweep."""

    async def nudge(self, news: Mapping[str, News]) -> None:
        """Does nothing."""


def _message(shop: str, news: News) -> TopicMessage:
    attributes = {FAMILIES: sorted(news.families)} if news.families else {}
    return TopicMessage(shop, {"shop": shop, "position": news.position}, attributes)
