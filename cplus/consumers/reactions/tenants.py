"""A shop that installed the app gets a tenant at SES; that of one which was erased is deleted."""

from __future__ import annotations

from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.consumers.sending.tenants import to_look_after
from cplus.events.base import Recorded
from cplus.events.catalogue.privacy import ShopErased
from cplus.events.catalogue.shops import AppInstalled
from cplus.events.log.commit import Commit


async def _hand_out(commit: Commit, told: Recorded, use: Reactor) -> None:
    use.at_step("look_after_tenant")
    await use.due.put([to_look_after(commit.shop, told.occurred_at)])


TENANTS = Reaction(
    name="react-tenants",
    handles=frozenset({AppInstalled, ShopErased}),
    hand_out=_hand_out,
    steps=("look_after_tenant",),
)
