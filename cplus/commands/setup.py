"""A merchant's first steps: a test whether mail reaches the app, and the guide that shows them."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Conversations
from cplus.events.base import Event, NewEvent
from cplus.events.catalogue.setup import GuideDismissed, GuideRestored, MailTestAnnounced
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import settled
from cplus.events.log.store import EventStore
from cplus.events.names import command_claim, mail_test_ref, setup_stream
from cplus.ids import spelled
from cplus.mail import CODE_LENGTH

TEST_DAYS: Final = timedelta(days=7)
"""How long a mail with the code of a test is taken for that test."""


async def announce_test(
    shop: str, *, key: str, source: Source, actor: Actor, use: Conversations
) -> int:
    """Announces a mail with a new code; returns the position. The form with this `key` counts
    once, and always has the same code. Raises OutcomeUnknown."""
    # By the key alone: a form that is sent twice announces one test.
    code = spelled(hashlib.sha256(f"mail-test\n{shop}\n{key}".encode()).digest()[:CODE_LENGTH])
    event = MailTestAnnounced(code=code)
    return await _record(shop, event, [mail_test_ref(code)], key, source, actor, use)


async def show_guide(
    shop: str, *, shown: bool, key: str, source: Source, actor: Actor, use: Conversations
) -> int:
    """Shows the first steps in the inbox, or no more; returns the position. The form with this
    `key` counts once. Raises OutcomeUnknown."""
    event = GuideRestored() if shown else GuideDismissed()
    return await _record(shop, event, [], key, source, actor, use)


async def is_announced(store: EventStore, shop: str, code: str, at: datetime) -> bool:
    """Whether a mail with this code that came at that moment is a test of this shop."""
    # The first of its commits announced it; those after it tell of mails that came.
    async for first in store.iterate_ref(shop, mail_test_ref(code), batch=1):
        return at < first.recorded_at + TEST_DAYS
    return False


async def _record(
    shop: str,
    event: Event,
    refs: list[str],
    key: str,
    source: Source,
    actor: Actor,
    use: Conversations,
) -> int:
    stream = setup_stream(shop)
    draft = Draft(
        shop=shop,
        claim=command_claim(key),
        source=source,
        actor=str(actor),
        events=[NewEvent(stream, event, use.clock())],
        refs=[stream, *refs],
    )
    [outcome] = await use.recorder.append([draft])
    return settled(outcome).position
