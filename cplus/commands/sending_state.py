"""What SES says of a shop's sending is recorded."""

from __future__ import annotations

from datetime import datetime

from cplus.actors import system
from cplus.commands.mail_settings import settings_of
from cplus.events.aggregates.settings import Paused
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
    # Whoever notes the same at the same time finds it known: the stream takes one of the two.
    claim = command_claim(random_id())

    async def decide() -> Draft | None:
        settings = await settings_of(recorder, shop)
        settings.note_tenant(tenant=tenant, now=now)
        settings.note_paused(paused, now=now)
        events = decided(settings)
        if not events:
            return None
        return Draft(
            shop=shop,
            claim=claim,
            source="ses",
            actor=system("sweep"),
            events=events,
            refs=[settings_stream(shop)],
        )

    await recorder.record(shop, claim, decide)
