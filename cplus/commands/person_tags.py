"""Tags of the shop on persons: put on and taken off, of one or of many at once, and taken back.

A person has the tags of all of their ids. One is put on under the id that is told, and taken off
every id. The form with the `key` counts once. Raises InvalidInput, NotFound, FormOfAnother,
OutcomeUnknown and DecisionOvertaken.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cplus.actors import Actor, Source
from cplus.commands.erasing import Erasures, asked_to_erase
from cplus.commands.mail_settings import settings_of
from cplus.commands.many import Done, each, key_in, once, versions_in
from cplus.errors import FormOfAnother, NotFound
from cplus.events.aggregates.person_tags import MOST_AT_ONCE, PersonTags, refused
from cplus.events.base import NewEvent
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.outcomes import AlreadyRecorded, Appended
from cplus.events.names import command_claim, tags_stream
from cplus.events.repository import decided
from cplus.ids import derived
from cplus.workspace.undoing import Did, Undoes

ACTS: Final = ("tag", "untag")
"""What an act on many is called."""
_ACT: Final = "people-"
"""Before that in the list of what a member did: they do others with many conversations."""
_Tags = Mapping[str, Collection[str]]
"""Those that are `added` and `removed`."""
_Decision = Callable[[str, PersonTags], None]
"""Of the tags under one id of the person."""


@dataclass(frozen=True, slots=True)
class Tagging:
    """What these commands need."""

    erasures: Erasures
    undoes: Undoes


async def tag_person(
    shop: str,
    person: str,
    *,
    added: Collection[str] = (),
    removed: Collection[str] = (),
    key: str,
    actor: Actor,
    source: Source,
    use: Erasures,
) -> int | None:
    """Puts tags, by their ids, on a person (`person/…`) and takes others off; returns the position,
    None if nothing changed. Raises InvalidInput with the code `before` if the form was sent before,
    and the tags are not as it says now."""
    how: _Tags = {"added": added, "removed": removed}
    outcome = await _put(shop, person, how, key=key, actor=actor, source=source, use=use)
    if isinstance(outcome, AlreadyRecorded):
        there = await _tags_of(shop, person, use)
        if not (there.issuperset(added) and there.isdisjoint(set(removed) - set(added))):
            raise refused("before")
    return outcome.position if outcome else None


async def tag_people(
    shop: str,
    persons: Collection[str],
    act: str,
    tag: str,
    *,
    key: str,
    actor: Actor,
    source: Source,
    use: Tagging,
) -> Done:
    """Puts the tag on each of these (`tag`), MOST_AT_ONCE at most, or takes it off (`untag`); `key`
    is an `act_key`."""
    chosen, recorder = sorted(set(persons)), use.erasures.recorder
    if act not in ACTS:
        raise refused("act")
    if not chosen:
        raise refused("none")
    if len(chosen) > MOST_AT_ONCE:
        raise refused("many")
    if tag not in (await settings_of(recorder, shop)).tags:
        raise refused("tag")

    async def work(told: Did) -> Done:
        how: _Tags = {"added" if act == "tag" else "removed": [told.value]}
        async with recorder.together() as later:
            erasures = Erasures(later, use.erasures.all_ids, use.erasures.clock)

            async def one(person: str) -> int | None:
                own = key_in(key, person)
                outcome = await _put(
                    shop, person, how, key=own, actor=actor, source=source, use=erasures
                )
                return outcome.position if outcome else None

            return await each(chosen, one)

    did, now = Did(_ACT + act, tag, chosen), use.erasures.clock()
    return await once(shop, key, did, work, actor=actor, undoes=use.undoes, now=now)


async def undo_tagging(
    shop: str, did: str, *, key: str, actor: Actor, source: Source, use: Tagging
) -> Done:
    """Takes back what this member did under the key `did`: on each person whom it changed, what
    nobody changed since."""
    told = await use.undoes.of(shop, actor.author, did)
    if told is None or not told.act.startswith(_ACT):
        raise NotFound(what="list of changes")
    recorder = use.erasures.recorder
    claims = {person: command_claim(key_in(did, person)) for person in told.chosen}
    commits = await recorder.store.by_claims(shop, list(claims.values()))
    made = {person: commits[claim] for person, claim in claims.items() if claim in commits}
    known, now = (await settings_of(recorder, shop)).tags, use.erasures.clock()
    key = derived("undo", key, did)
    async with recorder.together() as later:
        erasures = Erasures(later, use.erasures.all_ids, use.erasures.clock)

        async def one(person: str) -> int | None:
            changed = await _changed(made[person], erasures)

            def decide(one: str, tags: PersonTags) -> None:
                versions = changed.get(tags_stream(one), set())
                tags.undo(person=one, versions=versions, known=known, now=now)

            own = key_in(key, person)
            outcome = await _change(
                shop, person, decide, key=own, actor=actor, source=source, use=erasures
            )
            return outcome.position if outcome else None

        return await each(made, one)


async def _put(
    shop: str,
    person: str,
    how: _Tags,
    *,
    key: str,
    actor: Actor,
    source: Source,
    use: Erasures,
) -> Appended | AlreadyRecorded | None:
    added, removed = how.get("added", ()), how.get("removed", ())
    known, now = (await settings_of(use.recorder, shop)).tags, use.clock()
    if not set(added) <= known.keys():
        raise refused("tag")

    def decide(one: str, tags: PersonTags) -> None:
        on = added if one == person else ()
        tags.change(person=one, added=on, removed=removed, known=known, now=now)

    return await _change(shop, person, decide, key=key, actor=actor, source=source, use=use)


async def _changed(commit: Commit, use: Erasures) -> dict[str, set[int]]:
    streams = [ref for ref in commit.refs if ref.startswith(tags_stream(""))]
    return {one: await versions_in(use.recorder, commit, one) for one in streams}


async def _change(
    shop: str,
    person: str,
    decision: _Decision,
    *,
    key: str,
    actor: Actor,
    source: Source,
    use: Erasures,
) -> Appended | AlreadyRecorded | None:
    if not await use.recorder.store.by_ref(shop, person, 1):
        raise NotFound(what="person")

    async def decide() -> Draft | None:
        if await asked_to_erase(shop, person, use=use) is not None:
            raise refused("erased")
        events = list[NewEvent]()
        refs = list[str]()
        for one in await _ids(shop, person, use):
            tags: PersonTags = await use.recorder.load(PersonTags, shop, tags_stream(one))
            decision(one, tags)
            if new := decided(tags):
                events += new
                refs += [tags_stream(one), one]
        if not events:
            return None
        return Draft(
            shop=shop,
            claim=command_claim(key),
            source=source,
            actor=str(actor),
            events=events,
            refs=refs,
        )

    outcome = await use.recorder.record(shop, command_claim(key), decide)
    if isinstance(outcome, AlreadyRecorded):
        ours = {tags_stream(one) for one in await _ids(shop, person, use)}
        if ours.isdisjoint(outcome.commit.refs):
            raise FormOfAnother(what="person")
    return outcome


async def _tags_of(shop: str, person: str, use: Erasures) -> set[str]:
    there = set[str]()
    for one in await _ids(shop, person, use):
        tags: PersonTags = await use.recorder.load(PersonTags, shop, tags_stream(one))
        there.update(tags.tags)
    return there


async def _ids(shop: str, person: str, use: Erasures) -> Sequence[str]:
    return sorted(await use.all_ids(shop, [person]))
