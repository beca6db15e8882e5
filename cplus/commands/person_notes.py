"""Notes of the shop on a person: written and taken back.

The form with the `key` counts once. Raises InvalidInput, NotFound, FormOfAnother, OutcomeUnknown
and DecisionOvertaken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Conversations
from cplus.errors import FormOfAnother, InvalidInput, NotFound
from cplus.events.aggregates.person_notes import PersonNote, PersonNotes, plain_note
from cplus.events.log.outcomes import AlreadyRecorded, Appended
from cplus.events.names import command_claim, notes_stream
from cplus.events.recording import Recorder
from cplus.ids import derived
from cplus.wording import worded


async def notes_on(recorder: Recorder, shop: str, persons: Sequence[str]) -> list[PersonNote]:
    """The notes on a person by all of their ids (`person/…`), the newest first, by the log. None
    on somebody who was erased."""
    loads = [recorder.load(PersonNotes, shop, notes_stream(one)) for one in persons]
    found = [note for one in await asyncio.gather(*loads) for note in one.notes.values()]
    readable = (one for one in found if one.text is not None)
    return sorted(readable, key=lambda one: (one.at, one.id), reverse=True)


async def write_note(
    shop: str, person: str, text: str, *, key: str, actor: Actor, source: Source, use: Conversations
) -> int | None:
    """Writes a note on the person with this id, whom the log must name; returns the position, None
    if it was written before."""
    note = derived("person-note", shop, key)[:16]
    decision = partial(
        PersonNotes.write,
        person=person,
        note=note,
        text=text,
        author=actor.author,
        now=use.clock(),
    )
    outcome = await _change(shop, person, decision, key, actor, source, use)
    if isinstance(outcome, AlreadyRecorded):
        kept: PersonNotes = await use.recorder.load(PersonNotes, shop, notes_stream(person))
        if note in kept.notes and kept.notes[note].text != plain_note(text):
            reason = worded("another note was saved with this form: save this one too")
            raise InvalidInput(reason=reason)
    return outcome.position if outcome else None


async def remove_note(
    shop: str, person: str, note: str, *, key: str, actor: Actor, source: Source, use: Conversations
) -> int | None:
    """Takes a note on the person back; returns the position, None if there is none any more."""
    decision = partial(PersonNotes.remove, note=note, now=use.clock())
    outcome = await _change(shop, person, decision, key, actor, source, use)
    return outcome.position if outcome else None


async def _change(
    shop: str,
    person: str,
    decision: Callable[[PersonNotes], None],
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
) -> Appended | AlreadyRecorded | None:
    if not await use.recorder.store.by_ref(shop, person, 1):
        raise NotFound(what="person")
    stream = notes_stream(person)
    outcome = await use.recorder.decide(
        PersonNotes,
        shop,
        stream,
        decision,
        claim=command_claim(key),
        source=source,
        actor=str(actor),
        refs=[person],
    )
    if isinstance(outcome, AlreadyRecorded) and stream not in outcome.commit.refs:
        raise FormOfAnother(what="person")
    return outcome
