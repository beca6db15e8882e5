"""Which recorded webhooks could not be translated, and may be by other code."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from cplus.consumers.webhooks.translate import MAY_MEAN_NOTHING
from cplus.events.log.commit import Commit
from cplus.events.log.store import EventStore
from cplus.events.names import translated_again_claim
from cplus.events.reasons import was_refused
from cplus.shopify.webhooks import PAYLOADS

SOURCE: Final = "webhook"
NOT_KNOWN: Final = "the topic was not known"
"""Stands for the reason of a webhook whose topic the code did not know when it came."""

_COUNTED: Final = 500


class Kind(NamedTuple):
    """What untranslated webhooks have in common."""

    topic: str
    reason: str


class Untranslated(NamedTuple):
    """How many webhooks could not be translated, up to a number that was looked at."""

    kinds: Sequence[tuple[Kind, int]]
    """The most frequent first."""
    more: bool
    """Whether there may be more than were looked at."""


def topic_of(commit: Commit) -> str:
    """The topic of a recorded webhook, as its claim has it."""
    headers = commit.cause["headers"] if commit.cause is not None else None
    if headers and "x-shopify-topic" in headers:
        return str(headers["x-shopify-topic"])
    # Ids of Shopify's hold no slash, and topics one at most.
    return "/".join(commit.claims[0].split("/")[1:-1])


def kind_of(commit: Commit) -> Kind | None:
    """Why the webhook has no event; None if it was refused, or may simply mean nothing."""
    topic = topic_of(commit)
    if commit.reason is not None:
        refused = was_refused(commit.code, commit.reason)
        return None if refused else Kind(topic, commit.reason)
    return None if topic in MAY_MEAN_NOTHING else Kind(topic, NOT_KNOWN)


def is_candidate(commit: Commit) -> bool:
    """Whether today's code may make something of it: it knows the topic, and it was not refused."""
    return topic_of(commit) in PAYLOADS and not was_refused(commit.code, commit.reason)


async def untranslated(
    store: EventStore,
    *,
    shop: str | None = None,
    since: datetime | None = None,
    batch: int,
    cause: bool,
) -> AsyncIterator[tuple[list[Commit], frozenset[str]]]:
    """The recorded webhooks without events, by shop and position and in parts of at most `batch`
    commits; and the ids of those that were translated again since."""
    after = ("", 0)
    while True:
        commits = await store.eventless(
            SOURCE, after=after, shop=shop, since=since, limit=batch, cause=cause
        )
        if commits:
            yield commits, await _done(store, commits)
        if len(commits) < batch:
            return
        after = (commits[-1].shop, commits[-1].position)


async def _done(store: EventStore, commits: Sequence[Commit]) -> frozenset[str]:
    by_shop: dict[str, dict[str, str]] = {}
    for one in commits:
        claim = translated_again_claim(one.claims[0])
        by_shop.setdefault(one.shop, {})[claim] = one.id
    taken = [
        of_shop[claim]
        for host, of_shop in by_shop.items()
        for claim in await store.log.taken(host, list(of_shop))
    ]
    return frozenset(taken)


async def count_untranslated(store: EventStore, *, since: datetime, most: int) -> Untranslated:
    """How many webhooks that came since then could not be translated and were not later, by topic
    and reason, of the first `most` without events."""
    counts: dict[Kind, int] = {}
    seen = 0
    async for commits, done in untranslated(
        store, since=since, batch=min(_COUNTED, most), cause=False
    ):
        seen += len(commits)
        for one in commits:
            kind = None if one.id in done else kind_of(one)
            if kind is not None:
                counts[kind] = counts.get(kind, 0) + 1
        if seen >= most:
            break
    kinds = sorted(counts.items(), key=lambda counted: (-counted[1], counted[0]))
    return Untranslated(kinds, more=seen >= most)
