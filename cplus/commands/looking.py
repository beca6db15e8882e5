"""An operator looks at personal data, which is recorded before they see any of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from cplus.actors import Actor
from cplus.clock import Clock
from cplus.events.base import NewEvent
from cplus.events.catalogue.operators import OperatorLooked
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import settled
from cplus.events.names import LOOKED_REF, is_conversation, is_person, look_claim, look_stream
from cplus.events.recording import Recorder
from cplus.ids import random_id


@dataclass(frozen=True, slots=True)
class Looks:
    """What this command needs."""

    recorder: Recorder
    clock: Clock


async def look(
    shop: str,
    *,
    question: str,
    about: str,
    actor: Actor,
    source: Literal["cli", "console"],
    use: Looks,
    concerning: Iterable[str] = (),
) -> int | None:
    """Records in the shop's log who asked what, and of what; answers the position. Each look is one
    of its own, also if it was asked before. `concerning` has refs of what is shown: the look is
    found by the conversations and persons among them, so it is in the conversations' History.

    None if the shop has no log: nothing is kept of it, and none is begun. Raises OutcomeUnknown:
    then nothing may be shown.
    """
    if not (await use.recorder.store.head(shop)).position:
        return None
    named = [ref for ref in (about, *concerning) if is_conversation(ref) or is_person(ref)]
    event, look_id = OperatorLooked(question=question, about=about), random_id()
    stream = look_stream(look_id)
    draft = Draft(
        shop=shop,
        claim=look_claim(look_id),
        source=source,
        actor=str(actor),
        events=[NewEvent(stream, event, use.clock())],
        refs=[stream, LOOKED_REF, *named],
    )
    [outcome] = await use.recorder.append([draft])
    return settled(outcome).position
