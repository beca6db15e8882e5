"""A shop that installed the app gets a tenant at SES; that of one which was erased is deleted. A
domain that a merchant added or removed is looked at."""

from __future__ import annotations

from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.consumers.sending.domains.due import to_look_at
from cplus.consumers.sending.tenants import to_look_after
from cplus.events.base import Recorded
from cplus.events.catalogue.privacy import ShopErased
from cplus.events.catalogue.settings import SenderDomainAdded, SenderDomainRemoved
from cplus.events.catalogue.shops import AppInstalled
from cplus.events.log.commit import Commit


async def _hand_out(commit: Commit, told: Recorded, use: Reactor) -> None:
    use.at_step("look_after_tenant")
    at = told.occurred_at
    match told.event:
        case SenderDomainAdded() | SenderDomainRemoved() as domain:
            await use.due.put([to_look_at(commit.shop, domain.domain, at)])
        case _:
            await use.due.put([to_look_after(commit.shop, at)])


TENANTS = Reaction(
    name="react-tenants",
    handles=frozenset({AppInstalled, ShopErased, SenderDomainAdded, SenderDomainRemoved}),
    hand_out=_hand_out,
    steps=("look_after_tenant",),
)
