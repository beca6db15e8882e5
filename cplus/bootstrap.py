"""Puts the parts together: the only place that knows which part is made of what."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import cached_property
from typing import Any, TypeVar

from cplus.aws import Aws, Bodies
from cplus.clock import Clock, utc_now
from cplus.events.nudges import TopicNudger
from cplus.events.persons import PersonDirectory
from cplus.events.persons import ensure_indexes as ensure_person_indexes
from cplus.events.repository import Repository
from cplus.events.store import EventStore
from cplus.events.store import ensure_indexes as ensure_log_indexes
from cplus.mongo import Mongo, connect
from cplus.settings import Settings

T = TypeVar("T")

USED_LINKS = "used_links"
"""The collection of sign-in links that were used."""


class Parts:
    """The parts of one process, each made when it is first asked for and kept."""

    def __init__(self, settings: Settings | None = None, clock: Clock = utc_now) -> None:
        self.settings = settings or Settings()
        self.clock = clock

    @cached_property
    def mongo(self) -> Mongo:
        """The database."""
        return connect(self.settings)

    @cached_property
    def aws(self) -> Aws:
        """Queues, topic, buckets, mail."""
        return Aws()

    @cached_property
    def store(self) -> EventStore:
        """The log."""
        return EventStore(self.mongo, self.clock)

    @cached_property
    def repository(self) -> Repository:
        """The aggregates."""
        return Repository(self.store)

    @cached_property
    def persons(self) -> PersonDirectory:
        """The directory of persons."""
        secret = self.settings.secret("application_secret")
        return PersonDirectory(self.mongo.keyring, secret, self.clock)

    @cached_property
    def nudger(self) -> TopicNudger:
        """Tells who follows the log."""
        return TopicNudger(self.aws, self.settings.nudges_topic)

    @cached_property
    def bodies(self) -> Bodies:
        """Where large bodies rest."""
        return Bodies(self.aws, self.settings.bodies_bucket)

    async def close(self) -> None:
        """Ends every connection that was made."""
        if "aws" in self.__dict__:
            await self.aws.close()
        if "mongo" in self.__dict__:
            await self.mongo.close()


_loop: asyncio.AbstractEventLoop | None = None


def event_loop() -> asyncio.AbstractEventLoop:
    """The one event loop that lives as long as the process; also what the thread that asks for
    its current loop is given.

    Lambda calls a handler again and again in one process; connections belong to a loop, so a
    loop for each call would open them anew each time.
    """
    global _loop  # noqa: PLW0603
    if _loop is None:
        _loop = asyncio.new_event_loop()
        asyncio.set_event_loop(_loop)
    return _loop


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs `work` on the one event loop that lives as long as the process."""
    return event_loop().run_until_complete(work)


async def ensure_indexes(settings: Settings) -> None:
    """Makes every index; run with each deployment, before the code that needs them."""
    mongo = connect(settings)
    try:
        await ensure_log_indexes(mongo.database)
        await ensure_person_indexes(mongo.keyring)
        # A used sign-in link is remembered until it would have expired anyway.
        await mongo.database[USED_LINKS].create_index(
            [("expires_at", 1)], name="expiry", expireAfterSeconds=0
        )
    finally:
        await mongo.close()
