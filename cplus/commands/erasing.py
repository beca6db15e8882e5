"""Somebody asks that a person be erased; a reaction has it done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cplus.actors import Actor, Source
from cplus.clock import Clock
from cplus.errors import FormOfAnother, NotFound
from cplus.events.recording import Recorder
from cplus.privacy.all_ids import FindAllIds
from cplus.privacy.erasing import Asked, ask, asked_before
from cplus.privacy.erasing.asking import asked_for


@dataclass(frozen=True, slots=True)
class Erasures:
    """What this command needs."""

    recorder: Recorder
    all_ids: FindAllIds
    clock: Clock


async def asked_to_erase(shop: str, person: str, *, use: Erasures) -> Asked | None:
    """The last erasure that was asked for of this person, under any of their ids, and that erased
    or will erase this one."""
    persons = await use.all_ids(shop, [person])
    return await asked_before(use.recorder.store, use.recorder.reader, shop, person, persons)


async def erase_person(
    shop: str,
    person: str,
    *,
    key: str,
    source: Source | Literal["rule"],
    actor: Actor,
    use: Erasures,
) -> Asked:
    """Asks that a person be erased, under all ids that turned out to be theirs.

    A person is erased once: if somebody asked for it before, that is the answer, and so it is if
    the form with this `key` comes twice at once. Raises NotFound if the shop's log does not name
    the person, FormOfAnother if the key was used for somebody else, and OutcomeUnknown.
    """
    store, reader = use.recorder.store, use.recorder.reader
    if not await store.by_ref(shop, person, 1):
        raise NotFound(what="person")
    before = await asked_to_erase(shop, person, use=use)
    if before is not None:
        return before
    await ask(
        use.recorder, shop, person, erasure=key, source=source, actor=str(actor), at=use.clock()
    )
    asked = await asked_for(store, reader, shop, key)
    # The claim does not name the person, and stored names stay as they are.
    if asked.person != person:
        raise FormOfAnother(what="person")
    return asked
