"""The tenant that each shop has at SES: made once the app is installed, looked at again and again,
and deleted once the shop was erased.

All of that is one row of what is due, so it is tried until it works, and may be done twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import structlog

from cplus.aws import Tenants
from cplus.clock import Clock
from cplus.commands.mail_settings import settings_of
from cplus.commands.sending_state import note_sending
from cplus.consumers.erased_shops import is_removed, last_erasure
from cplus.consumers.scheduled.due import Due, DueRows
from cplus.consumers.scheduled.taking import DueWork
from cplus.consumers.sending.domains.checking import SenderDomains
from cplus.consumers.sending.domains.due import to_look_at
from cplus.consumers.sending.purpose import Leaving
from cplus.events.aggregates.settings import Paused, ShopSettings
from cplus.events.recording import Recorder

log = structlog.get_logger()

TENANT: Final = "ses_tenant"
"""What is due: to look after the shop's tenant."""
_REF: Final = "tenant"  # a shop has one
WHILE_PAUSED: Final = timedelta(minutes=15)
"""How soon a tenant that is paused is looked at again."""
OTHERWISE: Final = timedelta(days=1)
"""And one that is not. Whoever finds that SES refuses its mail has it looked at at once: asking for
each shop more often would take more than the one call a second that SES allows."""
REFUSED: Final = frozenset({"SendingPausedException", "NotFoundException"})
"""What SES answers to mail of a tenant that is paused, or is not there."""


def tenant_of(shop: str, stage: str) -> str:
    """The name of the shop's tenant; `stage` begins it, as it does other names at AWS."""
    return f"{stage}-{sha256(shop.encode()).hexdigest()[:24]}"


def to_look_after(shop: str, at: datetime) -> Due:
    """The row of the shop's tenant."""
    return Due(shop, TENANT, _REF, at)


@dataclass(frozen=True, slots=True)
class ShopTenants:
    """The tenants, for who sends."""

    tenants: Tenants
    recorder: Recorder
    due: DueRows
    domains: SenderDomains
    clock: Clock

    async def of(self, shop: str) -> str | None:
        """As which tenant the shop's mail is sent; None before it has one."""
        return (await settings_of(self.recorder, shop)).tenant

    async def allow(self, shop: str, address: str) -> bool:
        """Lets mail of the shop go to the address again, to which it did not arrive before; False
        if SES could not be told."""
        tenant = await self.of(shop)
        if tenant is None:
            return True
        try:
            await self.tenants.allow(tenant, address)
        except Exception as error:  # noqa: BLE001  the mail waits, however SES failed
            log.warning("suppression_stays", shop=shop, error=type(error).__name__)
            return False
        return True

    async def leaving(self, shop: str, *, to_customer: bool) -> Leaving:
        """How a mail of the shop leaves now. Only what goes to a customer leaves from the domain of
        the merchant, and only while that is the shop's: if another shop has proved it, since the
        last check too, it is looked at first."""
        settings = await settings_of(self.recorder, shop)
        if not to_customer:
            return Leaving(None, counted=False, tenant=settings.tenant, fallback=None)
        if not await self._holds(shop, settings):
            await self.domain_works(shop)
            settings = await settings_of(self.recorder, shop)
        own = settings.sender if await self._holds(shop, settings) else None
        domain = settings.domain
        failed = domain.name if domain and domain.local and own is None else None
        return Leaving(own, counted=own is None, tenant=settings.tenant, fallback=failed)

    async def _holds(self, shop: str, settings: ShopSettings) -> bool:
        """Whether the domain that mail leaves from, if that is one of the merchant, is the
        shop's."""
        if settings.domain is None or settings.sender is None:
            return True
        return await self.domains.holds(shop, settings.domain.name)

    async def domain_works(self, shop: str) -> bool:
        """Looks at the shop's own domain, of which SES refused a mail; False if nobody could."""
        try:
            domain = await self.domains.check(shop)
        except Exception as error:  # noqa: BLE001  the mail waits, however SES failed
            log.warning("sender_domain_unknown", shop=shop, error=type(error).__name__)
            return False
        return domain is not None and domain.works

    async def refused(self, shop: str) -> None:
        """SES takes no mail of the tenant: what it says of it is looked at at once."""
        await self.due.put([to_look_after(shop, self.clock())])


async def look_after(due: Due, use: DueWork) -> datetime | None:
    """Makes the shop's tenant, if there is none, and records what SES says of it; deletes that of a
    shop which was erased."""
    shop, now = due.shop, use.clock()
    name = tenant_of(shop, use.setting("ses_configuration_set"))
    erasure = await last_erasure(use.recorder.store, None, shop)
    if erasure is not None and not erasure.is_over:
        await use.tenants.delete(name)
        return None
    if await is_removed(shop, use.recorder):
        return None  # it comes back with the next installation
    state = await use.tenants.state(name)
    if state is None:
        await use.tenants.ensure(name, shop)
        state = await use.tenants.state(name)
    paused = None
    if state is not None and state.paused:
        paused = Paused(state.since or now, state.cause, by_operator=state.by_us)
        log.warning("sending_paused", shop=shop, tenant=name, by_operator=state.by_us)
    await note_sending(use.recorder, shop, tenant=name, paused=paused, now=now)
    if domain := (await settings_of(use.recorder, shop)).domain:
        # The app may have been removed in between, or the tenant be a new one.
        await use.rows.put([to_look_at(shop, domain.name, now)])
    return now + (OTHERWISE if paused is None else WHILE_PAUSED)
