"""Translates recorded webhooks again that could not be translated when they came.

What today's code makes of one becomes a new commit, which follows from the old one; the old one
stays as it is. The claim of the new one is made of the old one's, so that it happens once, whoever
asks again. It is decided as if the webhook came now: whose it is, whether its shop or person was
erased, and what Shopify says of an uninstall. Its times are those that it had.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple

from cplus.consumers.webhooks.deliveries import Delivery, recorded
from cplus.consumers.webhooks.drafting import (
    Webhooks,
    asking,
    cannot_be_stored,
    erased_before,
    to_record,
)
from cplus.consumers.webhooks.meaning import Asking, Meaning, meaning, note
from cplus.consumers.webhooks.untranslated import (
    NOT_KNOWN,
    Kind,
    is_candidate,
    topic_of,
    untranslated,
)
from cplus.errors import (
    CommitTooLarge,
    InvalidDraft,
    ObjectBroken,
    ShopifyRefused,
    ShopifyUnavailable,
    Throttled,
)
from cplus.events.base import Cause
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.outcomes import settled
from cplus.events.names import translated_again_claim
from cplus.privacy.identities import Resolved
from cplus.privacy.joining import join
from cplus.shopify.webhooks import PAYLOADS

GONE: Final = "what came cannot be opened any more"
UNTOLD: Final = "Shopify did not say what it was asked; try again later"
NOTHING: Final = "it means nothing"
UNKNOWN_STILL: Final = "the topic is not known"

_BATCH: Final = 20  # a body has up to 4 MB
_NOBODY: Final = Resolved("person/nobody")


@dataclass(slots=True)
class Retranslated:
    """What came of it, by topic and reason."""

    translated: Counter[Kind] = field(default_factory=Counter)
    """By the reason of before."""
    left: Counter[Kind] = field(default_factory=Counter)
    """Those that could not be translated, by the reason of now."""
    before: int = 0
    """How many had been translated again before."""


class _Again(NamedTuple):
    """What a recorded webhook is to become."""

    delivery: Delivery
    meaning: Meaning
    draft: Draft


async def retranslate(
    use: Webhooks,
    *,
    shop: str | None = None,
    topic: str | None = None,
    since: datetime | None = None,
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Retranslated:
    """Translates what was recorded without events: of all shops or of one, of all topics or of one,
    and recorded since a time. Raises what the log and the directory of persons raise; what was done
    by then stays, and the next run goes on from there.

    With `dry_run` nothing is written, nobody is made known and Shopify is not asked.
    """
    outcome, run = Retranslated(), _dry if dry_run else _again
    store = use.recorder.store
    async for commits, done in untranslated(
        store, shop=shop, since=since, batch=_BATCH, cause=True
    ):
        wanted = [one for one in commits if topic in (None, topic_of(one))]
        again = [one for one in wanted if one.id in done]
        outcome.before += len(again)
        if again and not dry_run:
            await _complete(again, use)
        asked = [one for one in wanted if one.id not in done]
        outcome.left.update(
            Kind(topic_of(one), UNKNOWN_STILL) for one in asked if topic_of(one) not in PAYLOADS
        )
        await run([one for one in asked if is_candidate(one)], use, outcome)
        if progress is not None:
            progress(len(commits))
    return outcome


async def _complete(commits: Sequence[Commit], use: Webhooks) -> None:
    """Whoever translated them may have crashed right after the append: then nobody was nudged, and
    persons who turned out to be one are two in the directory."""
    drafts = [
        Draft(one.shop, translated_again_claim(one.claims[0]), one.source, one.actor)
        for one in commits
    ]
    # Their claims are taken: the commits that hold them are the answer, and are told of once more.
    for draft, answer in zip(drafts, await use.recorder.append(drafts), strict=True):
        await join(use.recorder.reader, draft, settled(answer), use.persons.join)


async def _again(commits: Sequence[Commit], use: Webhooks, outcome: Retranslated) -> None:
    decided = await _decided(commits, use, asking(use), outcome)
    for _, one in decided:
        await note(one.delivery, one.meaning, use.ids, use.contacts)
    answers = await use.recorder.append([one.draft for _, one in decided])
    for (old, one), answer in zip(decided, answers, strict=True):
        await join(use.recorder.reader, one.draft, settled(answer), use.persons.join)
        outcome.translated[_was(old)] += 1


async def _dry(commits: Sequence[Commit], use: Webhooks, outcome: Retranslated) -> None:
    for old, _ in await _decided(commits, use, _asking_nobody(use), outcome):
        outcome.translated[_was(old)] += 1


async def _decided(
    commits: Sequence[Commit], use: Webhooks, asked: Asking, outcome: Retranslated
) -> list[tuple[Commit, _Again]]:
    """What each is to become; those that become nothing are counted."""
    found = await asyncio.gather(*(_decide(one, use, asked) for one in commits))
    decided = list[tuple[Commit, _Again]]()
    for one, made in zip(commits, found, strict=True):
        if isinstance(made, _Again):
            decided.append((one, made))
        else:
            _leave(one, made, outcome)
    return decided


def _was(one: Commit) -> Kind:
    return Kind(topic_of(one), one.reason or NOT_KNOWN)


def _leave(one: Commit, reason: str, outcome: Retranslated) -> None:
    # What is read well and means nothing is no fault, and no news.
    if reason != NOTHING:
        outcome.left[Kind(topic_of(one), reason)] += 1


async def _decide(one: Commit, use: Webhooks, asked: Asking) -> _Again | str:
    """The commit that it is to become, or why it becomes none."""
    delivery = await _delivery(one, use)
    if isinstance(delivery, str):
        return delivery
    if reason := await erased_before(delivery, use):
        return reason.words
    try:
        found = await meaning(delivery, delivery.body or b"", asked)
    except (ShopifyUnavailable, ShopifyRefused, Throttled):
        return UNTOLD
    if not found.events:
        return found.reason.words if found.reason else NOTHING
    headers = {"commit": one.id, "position": str(one.position), **delivery.headers}
    cause = Cause("webhook", headers=headers)  # the bytes are in the old one
    draft = replace(
        to_record(delivery, found.events, cause, None),
        claim=translated_again_claim(one.claims[0]),
        correlation_id=one.correlation,
        causation_id=one.id,
    )
    try:
        use.recorder.store.check(draft)
    except (InvalidDraft, CommitTooLarge) as error:
        return cannot_be_stored(error).words
    return _Again(delivery, found, draft)


async def _delivery(one: Commit, use: Webhooks) -> Delivery | str:
    [cause] = await use.recorder.reader.causes([one])
    if cause is None or cause.erased or not cause.headers:
        return GONE
    body = cause.body
    if body is None and cause.stored is not None:
        try:
            body = await use.bodies.get(one.shop, cause.stored)
        except (KeyError, ObjectBroken):
            return GONE
    if body is None or "x-shopify-topic" not in cause.headers:
        return GONE
    return recorded(one.shop, cause.headers, body, cause.stored, one.recorded_at)


def _asking_nobody(use: Webhooks) -> Asking:
    """As far as can be told without Shopify: an id of a shop counts if it is known here, and an
    uninstall is believed."""

    async def removed(_shop: str) -> None:
        return None

    return Asking(
        resolve=_nobody,
        shop_id=use.ids.find,
        standing=removed,
        other_host=use.ids.other_host,
        recorder=use.recorder,
    )


async def _nobody(*_: object, **who: object) -> Resolved | None:
    """Takes everybody for one person, and makes nobody known."""
    named = any(who.get(name) is not None for name in ("shopify_id", "address", "phone"))
    return _NOBODY if named else None
