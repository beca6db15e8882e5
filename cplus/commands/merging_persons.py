"""A merchant merges two persons who are one, and takes that back.

Both keep what names them: their customers in Shopify, addresses, conversations. So what comes
while they are one is of whom it names, and is theirs again once the merge is taken back.

The form with the `key` counts once. Raises NotFound, InvalidInput, FormOfAnother, OutcomeUnknown
and DecisionOvertaken.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from cplus.actors import Actor, Source
from cplus.commands.erasing import Erasures, asked_to_erase
from cplus.errors import FormOfAnother, InvalidInput, NotFound
from cplus.events.aggregates.person_pair import PersonPair
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import AlreadyRecorded, Appended
from cplus.events.names import command_claim, merge_stream
from cplus.events.repository import decided
from cplus.wording import worded

MAX_MERGED: Final = 20
"""Ids of one person that merges may bring together: each page of the person asks for all."""


async def refusal(shop: str, one: str, other: str, *, use: Erasures) -> str | None:
    """Why the two (`person/…`) cannot be merged; None if they can. Raises NotFound for somebody
    whom the shop's log does not name."""
    for person in (one, other):
        if not await use.recorder.store.by_ref(shop, person, 1):
            raise NotFound(what="person")
    ids = await use.all_ids(shop, [one])
    if other in ids:
        return worded("they are one person already")
    for person in (one, other):
        if await asked_to_erase(shop, person, use=use) is not None:
            return worded("one of them was erased, or is about to be")
    if len(ids) + len(await use.all_ids(shop, [other])) > MAX_MERGED:
        return worded("too many records would be one person (up to %(most)s can)", most=MAX_MERGED)
    return None


async def merge_persons(
    shop: str, one: str, other: str, *, key: str, actor: Actor, source: Source, use: Erasures
) -> int | None:
    """Makes them one person; returns the position."""

    async def decide() -> Draft | None:
        if (reason := await refusal(shop, one, other, use=use)) is not None:
            raise InvalidInput(reason=reason)
        pair = await _pair(shop, one, other, use)
        pair.merge(one=one, other=other, now=use.clock())
        return _draft(shop, pair, one, other, key, actor, source)

    outcome = await _recorded(shop, one, other, key, decide, use)
    sent_before = isinstance(outcome, AlreadyRecorded)
    if sent_before and not (await _pair(shop, one, other, use)).merged:
        raise InvalidInput(reason=worded("they were merged with this form, and divided since"))
    return outcome.position if outcome else None


async def unmerge_persons(
    shop: str, one: str, other: str, *, key: str, actor: Actor, source: Source, use: Erasures
) -> int | None:
    """Makes two of them again; returns the position, None if they were not merged."""

    async def decide() -> Draft | None:
        pair = await _pair(shop, one, other, use)
        pair.unmerge(one=one, other=other, now=use.clock())
        return _draft(shop, pair, one, other, key, actor, source)

    outcome = await _recorded(shop, one, other, key, decide, use)
    return outcome.position if outcome else None


async def _pair(shop: str, one: str, other: str, use: Erasures) -> PersonPair:
    pair: PersonPair = await use.recorder.load(PersonPair, shop, merge_stream(one, other))
    return pair


def _draft(
    shop: str, pair: PersonPair, one: str, other: str, key: str, actor: Actor, source: Source
) -> Draft | None:
    events = decided(pair)
    if not events:
        return None
    return Draft(
        shop=shop,
        claim=command_claim(key),
        source=source,
        actor=str(actor),
        events=events,
        refs=[pair.id, one, other],
    )


async def _recorded(
    shop: str,
    one: str,
    other: str,
    key: str,
    decide: Callable[[], Awaitable[Draft | None]],
    use: Erasures,
) -> Appended | AlreadyRecorded | None:
    outcome = await use.recorder.record(shop, command_claim(key), decide)
    if isinstance(outcome, AlreadyRecorded) and merge_stream(one, other) not in outcome.commit.refs:
        raise FormOfAnother(what="person")
    return outcome
