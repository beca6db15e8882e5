"""Erases persons: the log first, then their keys.

What is erased here is what the log holds about them. Rows of read models, objects and the
directory's rows are not part of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from cplus.clock import Clock
from cplus.events.base import NewEvent
from cplus.events.catalogue.privacy import PersonErased
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import AlreadyRecorded, Appended, settled
from cplus.events.names import erasure_claim
from cplus.events.recording import Recorder
from cplus.privacy.keyring import Keyring


async def erase(
    recorder: Recorder,
    keyring: Keyring,
    shop: str,
    persons: Sequence[str],
    *,
    request: str,
    actor: str,
    clock: Clock,
) -> Appended | AlreadyRecorded:
    """Erases all that the shop's log holds about these persons: every id of one person.

    `request` is the id of what asked for it. Repeatable: a call that was cut off anywhere is
    completed by the next with the same request. Raises OutcomeUnknown.
    """
    # In this order. A writer that loads its keys before the first step appends before the erasure,
    # or sees it and loads them again; one that loads them later gets none.
    await keyring.condemn(shop, persons)
    now = clock()
    draft = Draft(
        shop=shop,
        claim=erasure_claim(request),
        source="erasure",
        actor=actor,
        events=[
            NewEvent(person, PersonErased(erasure=request, person=person), now)
            for person in persons
        ],
        refs=list(persons),
        erases=True,
    )
    [outcome] = await recorder.append([draft])
    done = settled(outcome)
    await keyring.destroy(shop, persons)
    return done
