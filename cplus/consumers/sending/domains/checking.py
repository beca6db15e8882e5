"""Looks whether a merchant's domain is set up, and records it when something changed.

Everything is asked again each time: SES what it says of the identity, name servers what the
domain's owner wrote there. So each step may be repeated, and whoever crashes in between leaves
nothing that the next does not find.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from cplus.actors import system
from cplus.aws import Identities, IdentityState, Tenants
from cplus.clock import Clock
from cplus.commands.mail_settings import settings_of
from cplus.consumers.scheduled.due import DueRows
from cplus.consumers.sending.domains.dns import DnsUnanswered, Texts
from cplus.consumers.sending.domains.due import to_look_at
from cplus.consumers.sending.domains.rows import DomainRows
from cplus.consumers.sending.requesting import requested, wish_refs
from cplus.events.aggregates.sender_domain import Found, SenderDomain
from cplus.events.catalogue.mail import MailRequested
from cplus.events.catalogue.settings import Holder
from cplus.events.log.commit import Draft
from cplus.events.names import command_claim, settings_stream
from cplus.events.recording import Recorder
from cplus.events.repository import decided
from cplus.ids import random_id
from cplus.leases import Leases
from cplus.mail.writing.sender_domains import (
    dmarc_names,
    is_policy,
    mail_from_domain,
    proof_name,
    proof_of,
)

log = structlog.get_logger()

FAILED: Final = "sender_domain_failed"
"""The purpose of the mail to the merchant whose domain failed."""
_QUIET: Final = timedelta(days=1)
"""At most one such mail in that time: a domain may come and go."""
_AT_MOST_EACH: Final = 5.0
"""Seconds in which a shop's staff may have it looked at once: SES's calls are the account's."""
_PENDING: Final = IdentityState((), "", "PENDING", "PENDING", verified=False)


@dataclass(frozen=True, slots=True)
class SenderDomains:
    """The merchants' domains."""

    recorder: Recorder
    rows: DomainRows
    due: DueRows
    leases: Leases
    identities: Identities
    tenants: Tenants
    texts: Texts
    secret: str
    region: str
    clock: Clock

    def proof(self, domain: str, shop: str) -> str:
        """What proves that the domain is the shop's."""
        return proof_of(domain, shop, self.secret)

    async def may_check(self, shop: str) -> bool:
        """Whether the shop's staff may have its domain looked at again by now, and counts it."""
        return await self.leases.take(f"look-at-domain/{shop}", _AT_MOST_EACH) is not None

    async def holds(self, shop: str, domain: str) -> bool:
        """Whether the domain is the shop's now: another one may have proved it since the shop's
        last check."""
        return await self.rows.holder(domain, shop) == "shop"

    async def check(self, shop: str) -> SenderDomain | None:
        """Looks at the shop's domain, and answers what is known of it then; None if it has none.
        Raises what SES raises."""
        settings = await settings_of(self.recorder, shop)
        if settings.domain is None:
            return None
        await self.rows.add(settings.domain.name, shop)  # before anything is made at SES
        found = await self._found(shop, settings.domain)
        if found.works and settings.tenant:
            await self.tenants.use(settings.tenant, settings.domain.name)
        await self._note(shop, settings.domain.name, found)
        return (await settings_of(self.recorder, shop)).domain

    async def drop(self, shop: str, domain: str) -> None:
        """Nothing of the domain is the shop's any more. The identity goes with it, unless another
        shop has the domain too, whether it proved it or not."""
        tenant = (await settings_of(self.recorder, shop)).tenant
        if tenant:
            await self.tenants.leave(tenant, domain)
        if not await self.rows.release(domain, shop):
            return
        await self.identities.delete(domain)
        # Who added it meanwhile may have found what is deleted now: it is made anew at once.
        again = await self.rows.added(domain)
        await self.due.put([to_look_at(other, domain, self.clock()) for other in again])

    async def _found(self, shop: str, domain: SenderDomain) -> Found:
        name, before = domain.name, domain.found
        state = await self.identities.state(name)
        if state is None:
            await self.identities.ensure(name, mail_from_domain(name))
            state = await self.identities.state(name) or _PENDING
        # Side by side: where nobody answers, that takes as long as one question may.
        told, policy = await asyncio.gather(self._asked(proof_name(name)), self._policy(name))
        if told is None:  # nobody answered: what was known stands
            proof = before is not None and before.proof
            holder = await self.rows.holder(name, shop)
        else:
            proof = self._is_in(told, name, shop)
            holder = await self._holder(shop, name, told, proof=proof)
        return Found(
            holder=holder,
            proof=proof,
            verified=state.verified,
            dkim=_status(state.dkim),
            tokens=state.tokens,
            zone=state.zone,
            mail_from=_status(state.mail_from),
            dmarc=policy if policy is not None else before is not None and before.dmarc,
        )

    async def _holder(self, shop: str, domain: str, told: Sequence[str], *, proof: bool) -> Holder:
        if not proof:
            return await self.rows.holder(domain, shop)
        lost: list[str] = []

        def proves(other: str) -> bool:
            if self._is_in(told, domain, other):
                return True
            lost.append(other)
            return False

        holder = await self.rows.claim(domain, shop, proves)
        # Whose it was is told at once, and not with its next check.
        await self.due.put([to_look_at(other, domain, self.clock()) for other in lost])
        return holder

    def _is_in(self, told: Sequence[str], domain: str, shop: str) -> bool:
        """Whether the domain says there that it is the shop's."""
        return self.proof(domain, shop) in {one.strip() for one in told}

    async def _policy(self, domain: str) -> bool | None:
        told = await asyncio.gather(*map(self._asked, dmarc_names(domain)))
        if any(one and is_policy(one) for one in told):
            return True
        return None if None in told else False

    async def _asked(self, name: str) -> Sequence[str] | None:
        try:
            return await self.texts(name)
        except DnsUnanswered as error:
            log.info("dns_unanswered", error=str(error.values["error"]))
            return None

    async def _note(self, shop: str, domain: str, found: Found) -> None:
        """Records what was found, and with it the wish to tell the merchant if mail cannot leave
        from their domain any more. Raises OutcomeUnknown and DecisionOvertaken."""
        claim, now = command_claim(random_id()), self.clock()

        async def decide() -> Draft | None:
            settings = await settings_of(self.recorder, shop)
            before = settings.domain
            settings.note_found(domain=domain, found=found, now=now)
            events: list[Any] = decided(settings)
            if not events:
                return None
            refs = [settings_stream(shop)]
            if before and settings.domain and _fails(before, settings.domain, now):
                log.warning("sender_domain_failed", shop=shop, holder=found.holder)
                wish = MailRequested(
                    message_id=random_id(), purpose=FAILED, about={"domain": domain}
                )
                events.append(requested(wish, now))
                refs += wish_refs(wish)
            return Draft(
                shop=shop,
                claim=claim,
                source="ses",
                actor=system("sweep"),
                events=events,
                refs=refs,
            )

        await self.recorder.record(shop, claim, decide)


def _fails(before: SenderDomain, after: SenderDomain, now: datetime) -> bool:
    """Whether the domain failed just now, and not a short time ago too."""
    last = before.last_failed
    quiet = last is not None and now - last < _QUIET
    return after.failed_at is not None and before.failed_at is None and not quiet


def _status(told: str) -> Any:
    """A status as it is recorded; one that SES may have tomorrow is like one that waits."""
    return told if told in _KNOWN else "PENDING"


_KNOWN: Final = frozenset({"NOT_STARTED", "PENDING", "SUCCESS", "FAILED", "TEMPORARY_FAILURE"})
