"""A shop that installed the app has its customers imported."""

from __future__ import annotations

from typing import Final

from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.events.base import Recorded
from cplus.events.catalogue.shops import AppInstalled
from cplus.events.log.commit import Commit
from cplus.events.names import install_import

_QUEUE: Final = "import_queue"
"""The setting with the URL of the queue that it hands out to."""


async def _hand_out(commit: Commit, installed: Recorded, use: Reactor) -> None:
    message = {
        "shop": commit.shop,
        "import_id": install_import(installed.id),
        "cursor": None,
        "page": 1,
        # Carried along, so that no page has to look for the install.
        "correlation_id": commit.correlation,
        "causation_id": commit.id,
    }
    use.at_step("send_import")
    await use.send(use.setting(_QUEUE), message, group=commit.shop)


IMPORTS = Reaction(
    name="react-imports",
    handles=frozenset({AppInstalled}),
    hand_out=_hand_out,
    steps=("send_import",),
    needs=(_QUEUE,),
    was_react=True,
)
