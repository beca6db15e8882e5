"""Search in a shop with 100,000 conversations, of 1,000,000 in all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from itertools import islice
from urllib.parse import urlencode

from bench import search_rows, web_rows
from bench.measure import Figure, plain
from bench.web_app import Browser
from cplus.bootstrap import Parts, ensure_indexes
from cplus.events.base import NewEvent
from cplus.events.catalogue.conversations import ConversationStarted
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import Appended
from cplus.projections.base import Projection, Row
from cplus.projections.groups import ALL
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.message_words import MESSAGE_WORDS
from cplus.projections.models.messages import MESSAGES
from cplus.projections.rows import document_of
from cplus.projections.running.runner import Runner

SHOP = "large.myshopify.com"
CONVERSATIONS_OF_ONE, SHOPS = 100_000, 10
LIMIT = 300
"""Milliseconds within which 99 of 100 searches are answered."""
_NEW = 2_000
_UNHEARD = 20


async def measure(parts: Parts, rounds: int) -> list[Figure]:
    """How long pages of search take, by what is asked for; what the index takes."""
    texts = search_rows.Texts()
    await _fill(parts, texts)
    browser = Browser(parts)
    for _ in range(_UNHEARD):  # in which caches fill and templates are compiled
        await browser.page(SHOP, f"/search?{urlencode({'q': ' '.join(texts.some(2))})}")
    figures, everything = [], []
    for kind, asked in search_rows.queries(texts, rounds).items():
        taken = []
        for one in asked:
            found = await browser.page(SHOP, f"/search?{urlencode(one)}")
            taken.append(found.whole * 1_000)
        everything += taken
        name = f"search of {CONVERSATIONS_OF_ONE:,} conversations, {kind}"
        figures += _percentiles(name, taken)
    name = f"search of {CONVERSATIONS_OF_ONE:,} conversations, all of these"
    return [
        *figures,
        *_percentiles(name, everything),
        *await _sizes(parts),
        *await _live(parts, texts),
    ]


def _percentiles(name: str, taken: list[float]) -> list[Figure]:
    p99 = round(statistics.quantiles(taken, n=100, method="inclusive")[98], 2)
    met, goal = p99 <= LIMIT, f"at most {LIMIT}"
    last = Figure(f"{name}, p99", p99, "ms", None, "", goal, met, len(taken), None)
    return [plain(f"{name}, median", statistics.median(taken), "ms", rounds=len(taken)), last]


async def _fill(parts: Parts, texts: search_rows.Texts) -> None:
    mongo = parts.mongo
    await web_rows.install(mongo, SHOP)
    rows = web_rows.conversations(CONVERSATIONS_OF_ONE)
    await web_rows.put(mongo, CONVERSATIONS, SHOP, rows)
    # Indexes are made faster over rows that are there than with each of them.
    for projection in (MESSAGES, MESSAGE_WORDS):
        await mongo.database[projection.collection].drop_indexes()
    made = search_rows.rows(texts, CONVERSATIONS_OF_ONE, web_rows.NOW)
    while some := list(islice(made, web_rows.BATCH)):
        await _put(parts, MESSAGES, SHOP, (message for message, _ in some))
        for number in range(SHOPS):
            shop = f"{number}.{SHOP}" if number else SHOP
            await _put(parts, MESSAGE_WORDS, shop, (words for _, words in some))
    await ensure_indexes(parts.settings)


async def _put(
    parts: Parts, projection: Projection, shop: str, rows: Iterator[tuple[str, Row]]
) -> None:
    documents = [document_of(shop, key, row) for key, row in rows]
    await parts.mongo.database[projection.collection].insert_many(documents, ordered=False)


async def _sizes(parts: Parts) -> list[Figure]:
    told = await parts.mongo.database.command("collStats", MESSAGE_WORDS.collection)
    conversations = CONVERSATIONS_OF_ONE * SHOPS
    return [
        plain("index of words, of a conversation with two messages",
              told["indexSizes"]["shop_1_words_1_order_-1"] / conversations, "bytes"),
        plain("rows of words, of a conversation with two messages, on the disk",
              told["storageSize"] / conversations, "bytes"),
    ]  # fmt: skip


async def _live(parts: Parts, texts: search_rows.Texts) -> list[Figure]:
    """What each new message takes to be folded, beside the row of the message itself."""
    drafts = []
    for number in range(_NEW):
        mail = texts.mail(10_000_000 + number * search_rows.PER_CONVERSATION, web_rows.NOW)
        begun = ConversationStarted(
            originator_id=mail.originator_id, originator_version=1, timestamp=mail.timestamp,
            person=mail.person, channel="email", subject=mail.subject,
        )  # fmt: skip
        both = [NewEvent.decided(begun), NewEvent.decided(mail)]
        drafts.append(Draft(SHOP, f"new/{number}", "mail", "shopper", both))
    for start in range(0, _NEW, 500):
        outcomes = await parts.store.append(drafts[start : start + 500])
        assert all(isinstance(one, Appended) for one in outcomes), "a message was not recorded"
    runner = Runner(parts.mongo, parts.store, parts.reader, ALL)
    taken = {}
    for projection in (MESSAGES, MESSAGE_WORDS):
        began = time.perf_counter()
        await runner.catch_up(projection, SHOP)
        taken[projection.name] = (time.perf_counter() - began) / _NEW * 1_000
    own, words = taken[MESSAGES.name], taken[MESSAGE_WORDS.name]
    what, theirs, goal = "a new message, its words folded", "its own row", "none: a comparison"
    ratio = round(words / own, 2)
    return [Figure(what, round(words, 3), "ms", ratio, theirs, goal, None, _NEW, None)]
