"""The web app on a real MongoDB, with rows that the real runner folds, and a browser's manners."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import uvicorn
from pydantic import SecretStr

from cplus.aws import Aws
from cplus.bootstrap import Parts, ensure_indexes
from cplus.commands.sessions import sign_in_link
from cplus.events.aggregates.base import Aggregate
from cplus.events.aggregates.billing_account import month_of
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import Event, NewEvent
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import settled
from cplus.events.log.store import EventStore
from cplus.events.names import message_ref, started_ref
from cplus.events.nudges import News
from cplus.events.reader import EventReader
from cplus.events.recording import Recorder
from cplus.events.repository import decided
from cplus.ids import random_id
from cplus.mongo import Mongo
from cplus.privacy.sealed_log import sealed_log
from cplus.projections.base import Projection
from cplus.projections.counting import counts_of
from cplus.projections.groups import ALL
from cplus.projections.running.forgetting import passed_over
from cplus.projections.running.runner import Runner
from cplus.settings import Settings
from cplus.shopify.oauth import Tokens
from cplus.subscriptions.checkpoints import (
    CHECKPOINTS,
    Checkpoint,
    Fenced,
    begin_checkpoint,
    move_checkpoint,
    read_checkpoints,
)
from tests.databases import connected, emptied
from tests.integration.web.apps import given_back, taken
from tests.nudges import Nudges
from tests.samples import installed

SHOP = "acorn.myshopify.com"
OTHER = "birch.myshopify.com"
CLIENT_SECRET = "a client secret of this test, long enough"
OPERATOR = "an operator token of this test"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class FoldingNudger:
    """Whoever is nudged folds at once, by the real runner; or, switched off, nobody does.

    The checkpoint of a projection for which the news holds nothing is moved as the runner would:
    these are most of them, and to have it ask for each takes longer than what a test does.
    """

    def __init__(self, mongo: Mongo, clock: Clock, reader: EventReader) -> None:
        self.runner = Runner(mongo, EventStore(mongo, clock), reader, ALL, clock)
        self._clock = clock
        self._passed = {one: passed_over(reader, one) for one in ALL}
        self.on = True
        self.heads: list[Mapping[str, int]] = []

    async def nudge(self, news: Mapping[str, News]) -> None:
        heads = {shop: one.position for shop, one in news.items()}
        self.heads.append(heads)
        if self.on:
            await self.fold(heads)

    async def fold(self, heads: Mapping[str, int]) -> None:
        for shop, position in heads.items():
            for projection in await self._concerned(shop):
                await self.runner.catch_up(projection, shop, until=position)

    async def _concerned(self, shop: str) -> list[Projection]:
        """Those with something to fold; moves the checkpoints of the others to the log's end."""
        database = self.runner.mongo.database
        known = await read_checkpoints(database, ALL, [shop])
        begins = [known.get((one.collection, shop), Checkpoint()) for one in ALL]
        after = min(at.position for at in begins)
        news = [commit async for commit in self.runner.store.iterate(shop, after)]
        concerned, moved = [], []
        for projection, at in zip(ALL, begins, strict=True):
            ahead = [commit for commit in news if commit.position > at.position]
            types = {type_ for commit in ahead for type_ in commit.types}
            if at.parked or types.difference(self._passed[projection]):
                concerned.append(projection)
            elif ahead:
                to = replace(at, position=ahead[-1].position, seq=ahead[-1].seq_after)
                moved.append(self._moved(projection, shop, at, to))
        return concerned + [one for one in await asyncio.gather(*moved) if one]

    async def _moved(
        self, projection: Projection, shop: str, at: Checkpoint, to: Checkpoint
    ) -> Projection | None:
        """Moves its checkpoint; answers the projection if somebody else was quicker."""
        database, now = self.runner.mongo.database, self._clock()
        if not at.stored:
            first = replace(to, counts=counts_of(projection, {}))
            begun = await begin_checkpoint(database, projection, shop, now, first)
            return None if begun.position >= to.position else projection
        try:
            await move_checkpoint(database, projection, shop, at, to, now)
        except Fenced:
            return projection
        return None


class Harness:
    """The app, its parts, and a way to put things into the log."""

    def __init__(
        self, mongo_uri: str, database_name: str, aws: Aws | None = None, **settings: Any
    ) -> None:
        self.clock = Clock()
        self.settings = Settings(
            mongo_uri=SecretStr(mongo_uri),
            mongo_database=database_name,
            mongo_keyring_database=f"{database_name}_keyring",
            application_secret=SecretStr("an application secret of this test"),
            shopify_client_id="client",
            shopify_client_secret=SecretStr(CLIENT_SECRET),
            **{
                "app_url": "http://app.test",
                "mail_domain": "mail.example.com",
                "roots_bucket": "roots",
                "operator_token": SecretStr(OPERATOR),
                "undo_seconds": 0,  # only tests of undoing wait for anything
                **settings,
            },
        )
        self.mongo = connected(self.settings)
        self.aws = aws
        reader = sealed_log(self.settings, self.mongo, Aws).reader
        self.nudger = FoldingNudger(self.mongo, self.clock, reader)
        self.parts = self.parts_with()
        self.app = taken(self.parts)

    def parts_with(self, **others: Any) -> Parts:
        """The parts, with others in place of some; without the topic of AWS in any case."""
        return Parts(
            self.settings,
            self.clock,
            **{"mongo": self.mongo, "aws": self.aws, "nudger": self.nudger, **others},
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Harness]:
        """The harness on an emptied database; its connections end with the block."""
        async with self:
            for database in (self.parts.mongo.database, self.parts.mongo.keyring):
                await emptied(database)
            yield self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Its connections end with the block, also if a test fails in it."""
        await self.close()

    async def close(self) -> None:
        """Ends the connections."""
        await self.parts.close()
        given_back(self.app)

    def browser(self, app: Any = None, cookies: Any = None) -> httpx.AsyncClient:
        """A browser with cookies of its own, or with those of another; it follows no redirect by
        itself."""
        transport = httpx.ASGITransport(app or self.app)
        return httpx.AsyncClient(
            transport=transport, base_url=self.settings.app_url, cookies=cookies
        )

    @asynccontextmanager
    async def signed_in(
        self, shop: str = SHOP, *, user: str = "", called: str = ""
    ) -> AsyncIterator[httpx.AsyncClient]:
        """A browser whose merchant of `shop` came by a sign-in link, that of a user if one is
        named."""
        link = sign_in_link(self.settings, shop, self.clock, user=user, called=called)
        async with self.browser() as browser:
            answer = await use_link(browser, link)
            assert answer.status_code == 303, answer.text
            yield browser

    async def record(
        self, shop: str, stream: str, *events: Event, refs: Sequence[str] = (), claim: str = ""
    ) -> int:
        """Facts of one commit, folded; answers the position."""
        new = [NewEvent(stream, event, self.clock()) for event in events]
        claim = claim or f"test/{random_id()}"
        draft = Draft(shop=shop, claim=claim, source="t", actor="t", events=new, refs=refs)
        [outcome] = await self.parts.store.append([draft])
        position: int = outcome.position  # type: ignore[union-attr]
        await self.nudger.fold({shop: position})
        return position

    async def install(self, shop: str = SHOP) -> None:
        """The app is installed in the shop, and has tokens of it."""
        await self.record(shop, f"shop/{shop}", installed(shop=shop, at=self.clock()))
        tokens = Tokens(access_token="shpat_of-a-test")
        await self.parts.credentials.save(shop, tokens)

    async def decided(self, shop: str, aggregate: Aggregate) -> None:
        """What the aggregate decided, as one commit, folded."""
        new = decided(aggregate)
        claim, refs = f"test/{random_id()}", [aggregate.id]
        draft = Draft(shop=shop, claim=claim, source="t", actor="t", events=new, refs=refs)
        [outcome] = await self.parts.store.append([draft])
        await self.nudger.fold({shop: settled(outcome).position})

    async def conversation(
        self, shop: str = SHOP, *, person: str = "person/ada", subject: str = "Blue jam",
        text: str = "Do you ship to Norway?", name: str | None = "Ada Brandt",
        conversation_id: str | None = None, fold: bool = True,
    ) -> str:  # fmt: skip
        """A conversation that a shopper's mail began; answers its id."""
        conversation_id, message_id = conversation_id or random_id(), random_id()

        def begin(conversation: Conversation) -> None:
            now = self.clock()
            conversation.start(person=person, channel="email", subject=subject, now=now)
            conversation.receive(
                now=now,
                person=person,
                message_id=message_id,
                from_name=name,
                from_address="ada@example.com",
                subject=subject,
                text=text,
                rfc_message_id="<1@example.com>",
            )

        # Whether it is folded is said here, so nobody is nudged.
        writer = Recorder(self.parts.store, self.parts.reader, Nudges())
        outcome = await writer.decide(
            Conversation,
            shop,
            f"conversation/{conversation_id}",
            begin,
            claim=f"mail/{random_id()}",
            source="mail",
            actor="shopper",
            refs=[person, message_ref(message_id), started_ref(month_of(self.clock()))],
        )
        assert outcome is not None
        if fold:
            await self.nudger.fold({shop: outcome.position})
        return conversation_id

    async def park(self, readers: Iterable[str], shop: str = SHOP) -> None:
        """Has these (projections by collection, or `react`) stand still before the next event."""
        at = await self.parts.store.head(shop)
        for reader in readers:
            parked = {
                "position": at.position + 1,
                "type": "message.of_the_future",
                "reason": "unknown_type",
                "since": self.clock(),
            }
            await self.parts.mongo.database[CHECKPOINTS].update_one(
                {"_id": f"{reader}/{shop}"},
                {
                    "$set": {"parked": parked},
                    "$setOnInsert": {
                        "projection": reader.partition(".")[0],
                        "version": int(reader.partition(".v")[2] or 0),
                        "shop": shop,
                        "position": at.position,
                        "seq": at.seq,
                    },
                },
                upsert=True,
            )

    async def stream(self, shop: str, conversation_id: str) -> list[str]:
        """The types of what happened in a conversation, in order."""
        commits = self.parts.store.iterate_stream(shop, f"conversation/{conversation_id}")
        return [document["type"] async for commit in commits for document in commit.documents]


@asynccontextmanager
async def served(web: Harness) -> AsyncIterator[str]:
    """The app on a free port of this machine; answers its address."""
    config = uvicorn.Config(web.app, port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


@asynccontextmanager
async def web_database(mongo_uri: str) -> AsyncIterator[str]:
    """The name of a database with its indexes made; making them for each test takes too long."""
    async with Harness(mongo_uri, f"test_{random_id(12)}") as harness:
        await ensure_indexes(harness.settings)
        try:
            yield harness.settings.mongo_database
        finally:
            for name in (harness.settings.mongo_database, harness.settings.mongo_keyring_database):
                await harness.parts.mongo.client.drop_database(name)


async def use_link(browser: httpx.AsyncClient, link: str) -> httpx.Response:
    """Opens a sign-in link and uses its button; the first page if that has no button."""
    page = await browser.get(link)
    if page.status_code != 200:
        return page
    return await browser.post("/auth/sign-in", data=fields_of(page.text, "/auth/sign-in"))


def fields_of(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that goes to `action`."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page, re.DOTALL)
    assert form, f"no form for {action}"
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form[0])
    return {name: html.unescape(value) for name, value in found}


def path_of(answer: httpx.Response) -> str:
    """Where a redirect leads, with its query and without host and fragment."""
    parts = urlsplit(answer.headers["location"])
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


async def form_fields(
    browser: httpx.AsyncClient, conversation_id: str, what: str
) -> dict[str, str]:
    """The hidden fields of the conversation's form `what`, taken from its page."""
    page = await browser.get(f"/conversations/{conversation_id}")
    return fields_of(page.text, f"/conversations/{conversation_id}/{what}")
