"""What is found about a shop's sending is recorded: what SES says of it, and its limits."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from cplus.actors import system
from cplus.commands.mail_settings import Decision, settings_of
from cplus.events.aggregates.settings import Paused, ShopSettings
from cplus.events.catalogue.settings import LimitOf
from cplus.events.log.commit import Draft
from cplus.events.names import command_claim, settings_stream
from cplus.events.recording import Recorder
from cplus.events.repository import decided
from cplus.ids import random_id


async def note_sending(
    recorder: Recorder, shop: str, *, tenant: str, paused: Paused | None, now: datetime
) -> None:
    """Records that the shop has this tenant, and whether it is paused; nothing if that is known.
    Raises OutcomeUnknown and DecisionOvertaken."""

    def decide(settings: ShopSettings) -> None:
        settings.note_tenant(tenant=tenant, now=now)
        settings.note_paused(paused, now=now)

    await _note(recorder, shop, decide, source="ses")


async def note_limit(
    recorder: Recorder, shop: str, *, of: LimitOf, limit: int, now: datetime
) -> None:
    """Records that the shop reached what it may send in 24 hours; nothing if that is known.
    Raises OutcomeUnknown and DecisionOvertaken."""
    decide = partial(ShopSettings.note_limit, of=of, limit=limit, now=now)
    await _note(recorder, shop, decide, source="outbound-email")


async def _note(recorder: Recorder, shop: str, decision: Decision, *, source: str) -> None:
    # Whoever notes the same at the same time finds it known: the stream takes one of the two.
    claim = command_claim(random_id())

    async def decide() -> Draft | None:
        settings = await settings_of(recorder, shop)
        decision(settings)
        events = decided(settings)
        if not events:
            return None
        return Draft(
            shop=shop,
            claim=claim,
            source=source,
            actor=system("sweep" if source == "ses" else source),
            events=events,
            refs=[settings_stream(shop)],
        )

    await recorder.record(shop, claim, decide)
