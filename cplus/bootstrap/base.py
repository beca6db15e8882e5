"""What every process has: settings, connections, the log, buckets, read models."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import cached_property
from typing import TYPE_CHECKING

from cplus.aws import BODIES, MAIL, Aws, DeadLetters, Objects, SealedObjects
from cplus.clock import Clock, utc_now
from cplus.events.log.store import EventStore
from cplus.events.nudges import Nudger, TopicNudger
from cplus.events.reader import EventReader
from cplus.events.recording import Recorder
from cplus.mongo import Mongo, connect
from cplus.privacy.keyring import Keyring
from cplus.privacy.sealed_log import SealedLog, sealed_log
from cplus.settings import Settings

if TYPE_CHECKING:
    import httpx

    from cplus.commands.files import Files
    from cplus.projections.queries import Queries


class BaseParts:
    """What needs nothing but settings. A part that is given is used in place of one of its own: a
    test's stand-in, or a connection that somebody else made and will close."""

    def __init__(
        self,
        settings: Settings | None = None,
        clock: Clock = utc_now,
        *,
        mongo: Mongo | None = None,
        aws: Aws | None = None,
        http: httpx.AsyncClient | None = None,
        log: SealedLog | None = None,
        store: EventStore | None = None,
        reader: EventReader | None = None,
        nudger: Nudger | None = None,
        queries: Queries | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.clock = clock
        self._mongo = mongo
        self._aws = aws
        self._http = http
        self._given_log = log
        self._store = store
        self._reader = reader
        self._nudger = nudger
        self._queries = queries
        self._own = AsyncExitStack()  # the connections that were made here, which end here

    @cached_property
    def mongo(self) -> Mongo:
        """The database."""
        if self._mongo is not None:
            return self._mongo
        made = connect(self.settings)
        self._own.push_async_callback(made.close)
        return made

    @cached_property
    def aws(self) -> Aws:
        """Queues, topic, buckets, mail."""
        if self._aws is not None:
            return self._aws
        made = Aws()
        self._own.push_async_callback(made.close)
        return made

    @cached_property
    def _log(self) -> SealedLog:
        return self._given_log or sealed_log(
            self.settings, self.mongo, lambda: self.aws, self.clock
        )

    @cached_property
    def store(self) -> EventStore:
        """The log."""
        return self._store or self._log.store

    @cached_property
    def keyring(self) -> Keyring:
        """The keys of persons."""
        return self._log.keyring

    @cached_property
    def nudger(self) -> Nudger:
        """Nudges the followers of the log."""
        return self._nudger or TopicNudger(self.aws, self.settings.nudges_topic)

    @cached_property
    def reader(self) -> EventReader:
        """Decodes what is stored."""
        return self._reader or self._log.reader

    @cached_property
    def recorder(self) -> Recorder:
        """Writes to the log, and nudges."""
        return Recorder(self.store, self.reader, self.nudger)

    @cached_property
    def bodies(self) -> SealedObjects:
        """Stores large bodies."""
        return SealedObjects(self.aws, self.settings.bodies_bucket, BODIES)

    @cached_property
    def mails(self) -> SealedObjects:
        """Stores raw mail."""
        return SealedObjects(self.aws, self.settings.mail_bucket, MAIL)

    @cached_property
    def files(self) -> Files:
        """Stores the files of messages."""
        from cplus.commands.files import Files

        return Files(self.mails)

    @cached_property
    def objects(self) -> Objects:
        """Deletes what is stored about persons in buckets."""
        return Objects(self.aws, [self.settings.bodies_bucket, self.settings.mail_bucket])

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """The dead-letter queues of the stage."""
        return DeadLetters(self.aws, self.settings.stage)

    @cached_property
    def queries(self) -> Queries:
        """The read models."""
        from cplus.projections.queries import Queries

        return self._queries or Queries(self.mongo)

    @cached_property
    def http(self) -> httpx.AsyncClient:
        """Connections to Shopify."""
        import httpx

        if self._http is not None:
            return self._http
        made = httpx.AsyncClient(timeout=10.0)
        self._own.push_async_callback(made.aclose)
        return made

    async def close(self) -> None:
        """Ends every connection that was made here; those that were given stay open."""
        await self._own.aclose()
