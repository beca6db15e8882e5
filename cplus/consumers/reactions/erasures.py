"""An erasure that somebody asked for is handed out to be done, whoever asked."""

from __future__ import annotations

from typing import Final

from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.events.base import Recorded
from cplus.events.catalogue.privacy import ErasureRequested, ShopErasureRequested
from cplus.events.log.commit import Commit

_QUEUE: Final = "erasures_queue"
"""The setting with the URL of the queue that it hands out to."""


async def _hand_out(commit: Commit, asked: Recorded, use: Reactor) -> None:
    request = asked.event
    assert isinstance(request, ErasureRequested | ShopErasureRequested)  # noqa: S101  all that it handles
    message = {"shop": commit.shop, "erasure": request.erasure}
    use.at_step("send_erasure")
    await use.send(use.setting(_QUEUE), message, group=commit.shop)


ERASURES = Reaction(
    name="react-erasures",
    handles=frozenset({ErasureRequested, ShopErasureRequested}),
    hand_out=_hand_out,
    steps=("send_erasure",),
    needs=(_QUEUE,),
)
