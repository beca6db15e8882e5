"""Puts the parts of functions and pages together: how each part is made, and from which others.

Three more places open a connection, because a process or a command starts there: commands
(`cplus/cli/connecting.py`), the worker processes of a rebuild
(`cplus/projections/generations/workers.py`), and the process that folds a release for `cplus prove`
(`cplus/projections/checks/release_rows.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING

from cplus.aws import BODIES, MAIL, Aws, DeadLetters, Objects, SealedObjects, Tenants
from cplus.clock import Clock, utc_now
from cplus.events.log.store import EventStore
from cplus.events.log.store import ensure_indexes as ensure_log_indexes
from cplus.events.nudges import Nudger, TopicNudger
from cplus.events.reader import EventReader
from cplus.events.recording import Recorder
from cplus.leases import Leases
from cplus.leases import ensure_indexes as ensure_lease_indexes
from cplus.loop import event_loop, run
from cplus.mongo import Mongo, connect
from cplus.privacy.keyring import Keyring
from cplus.privacy.keyring import ensure_indexes as ensure_key_indexes
from cplus.privacy.persons import PersonDirectory
from cplus.privacy.persons import ensure_indexes as ensure_person_indexes
from cplus.privacy.sealed_log import SealedLog, sealed_log
from cplus.settings import Settings

if TYPE_CHECKING:
    import httpx

    from cplus.commands.allowances import Allowances
    from cplus.commands.conversations.answering import Conversations
    from cplus.commands.conversations.beginning import Beginning
    from cplus.commands.conversations.failed import FailedReplies
    from cplus.commands.conversations.withdrawing import Withdrawals
    from cplus.commands.erasing import Erasures
    from cplus.commands.exporting import Exports
    from cplus.commands.files import Files
    from cplus.commands.installs import Installs
    from cplus.commands.looking import Looks
    from cplus.consumers.batches.handler import Consumer, Handler
    from cplus.consumers.mail.message_files import MessageFiles
    from cplus.consumers.mail.stored_mail import StoredMails
    from cplus.consumers.mailboxes.telling import MailboxNews
    from cplus.consumers.notices.wishes import NoticeRequests
    from cplus.consumers.reactions.reaction import Reactor
    from cplus.consumers.scheduled.due import DueRows
    from cplus.consumers.scheduled.retention import Retention
    from cplus.consumers.scheduled.taking import DueWork
    from cplus.consumers.sending.auto_replying import AutoReplying
    from cplus.consumers.sending.budget import Budget
    from cplus.consumers.sending.purpose import MailParts
    from cplus.consumers.sending.tenants import ShopTenants
    from cplus.consumers.webhooks.drafting import Webhooks
    from cplus.privacy.all_ids import AllIds
    from cplus.privacy.certificates import Certificates
    from cplus.privacy.erasing import Erasing
    from cplus.privacy.erasing.shops import ErasingShops
    from cplus.privacy.ledger import Ledger
    from cplus.privacy.listed import ListedCustomers
    from cplus.privacy.sessions import EndedSessions, UsedLinks, UsedTokens
    from cplus.privacy.token_tries import TokenTries
    from cplus.projections.base import Projection
    from cplus.projections.queries import Queries
    from cplus.shopify.contacts import Contacts
    from cplus.shopify.credentials import MongoCredentials
    from cplus.shopify.granting import Granting, Standing
    from cplus.shopify.oauth import App
    from cplus.shopify.shop_ids import ShopIds
    from cplus.signing import Signer

__all__ = [
    "CREDENTIALS",
    "Parts",
    "ensure_indexes",
    "event_loop",
    "projector",
    "run",
]

CREDENTIALS = "credentials"
"""The collection of access tokens, in the keyring's database."""


class Parts:
    """The parts of one process, each made when it is first asked for and kept.

    A part that is given is used in place of one of its own: a test's stand-in, or a connection
    that somebody else made and will close.
    """

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
    def persons(self) -> PersonDirectory:
        """The directory of persons."""
        secret = self.settings.secret("application_secret")
        return PersonDirectory(self.mongo.keyring, secret, self.clock)

    @cached_property
    def all_ids(self) -> AllIds:
        """Finds every id of a person."""
        from cplus.privacy.all_ids import AllIds

        return AllIds(self.store, self.reader, self.mongo.keyring)

    @cached_property
    def erasing(self) -> Erasing:
        """Erases persons."""
        from cplus.privacy.erasing import Erasing
        from cplus.projections.groups import ALL
        from cplus.projections.lag.behind import behind

        return Erasing(
            recorder=self.recorder,
            keyring=self.keyring,
            all_ids=self.all_ids,
            directory=self.persons,
            objects=self.objects,
            ledger=self.ledger,
            behind=partial(behind, self.mongo.database, ALL),
            clock=self.clock,
        )

    @cached_property
    def listed(self) -> ListedCustomers:
        """Which customers Shopify's lists had."""
        from cplus.privacy.listed import ListedCustomers

        return ListedCustomers(self.mongo.keyring, self.clock)

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
    def ledger(self) -> Ledger:
        """What was erased, kept outside of the database."""
        from cplus.privacy.ledger import Ledger

        return Ledger(self.aws, self.settings.needed("roots_bucket"))

    @cached_property
    def certificates(self) -> Certificates:
        """Proves erasures."""
        from cplus.privacy.certificates import Certificates

        bucket = self.settings.needed("roots_bucket")
        return Certificates(self.ledger, self.store.log, self.aws, bucket)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """The dead-letter queues of the stage."""
        return DeadLetters(self.aws, self.settings.stage)

    @cached_property
    def looks(self) -> Looks:
        """Records what operators look at."""
        from cplus.commands.looking import Looks

        return Looks(self.recorder, self.clock)

    @cached_property
    def exports(self) -> Exports:
        """Records who exports what is kept about people."""
        from cplus.commands.exporting import Exports

        return Exports(self.recorder, self.all_ids, self.clock)

    @cached_property
    def erasures(self) -> Erasures:
        """Records who asks that somebody be erased."""
        from cplus.commands.erasing import Erasures

        return Erasures(self.recorder, self.all_ids, self.clock)

    @cached_property
    def retention(self) -> Retention:
        """Asks that people be erased whose time is over."""
        from cplus.consumers.scheduled.retention import Retention

        quiet = self.queries.quiet_people
        return Retention(self.erasures, self.credentials.shops, quiet, self.clock)

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

    @cached_property
    def app(self) -> App:
        """This app's registration at Shopify."""
        from cplus.shopify.oauth import App

        return App.from_settings(self.settings)

    @cached_property
    def credentials(self) -> MongoCredentials:
        """The access tokens of each shop."""
        from cplus.shopify.credentials import MongoCredentials

        secret = self.settings.secret("application_secret")
        rows = self.mongo.keyring[CREDENTIALS]
        return MongoCredentials(rows, self.http, self.app, secret, now=self.clock)

    @cached_property
    def contacts(self) -> Contacts:
        """The addresses of each shop's merchant."""
        from cplus.shopify.contacts import Contacts

        secret = self.settings.secret("application_secret")
        return Contacts(self.mongo.keyring[CREDENTIALS], secret, self.clock)

    @cached_property
    def notice_wishes(self) -> NoticeRequests:
        """Decides on mails to merchants about customers who asked for their data."""
        from cplus.consumers.notices.wishes import NoticeRequests

        return NoticeRequests(self.recorder, self.due_rows, self.clock)

    @cached_property
    def mailbox_news(self) -> MailboxNews:
        """Decides which mail goes to merchants' own mailboxes."""
        from cplus.consumers.mailboxes.telling import MailboxNews

        return MailboxNews(self.recorder, self.due_rows, self.queries, self.clock)

    @cached_property
    def due_rows(self) -> DueRows:
        """What is due at a time."""
        from cplus.consumers.scheduled.due import DueRows

        return DueRows(self.mongo.database)

    @cached_property
    def due_work(self) -> DueWork:
        """Does what is due."""
        from cplus.consumers.scheduled.taking import DueWork

        return DueWork(
            recorder=self.recorder,
            rows=self.due_rows,
            send=self.aws.send,
            setting=self.settings.needed,
            notices=self.notice_wishes,
            mailboxes=self.mailbox_news,
            tenants=self.tenants,
            clock=self.clock,
        )

    @cached_property
    def tenants(self) -> Tenants:
        """The shops' tenants at SES."""
        given = self.settings
        return Tenants(self.aws, given.mail_domain, given.ses_configuration_set)

    @cached_property
    def shop_tenants(self) -> ShopTenants:
        """The shops' tenants at SES, for who sends."""
        from cplus.consumers.sending.tenants import ShopTenants

        return ShopTenants(self.tenants, self.recorder, self.due_rows, self.clock)

    @cached_property
    def mail_budget(self) -> Budget:
        """What SES's account may send."""
        from cplus.consumers.sending.budget import Budget

        return Budget(self.mongo.database, self.aws, self.clock)

    @cached_property
    def mail_parts(self) -> MailParts:
        """What mails are made with."""
        from cplus.consumers.sending.purpose import MailParts

        return MailParts(
            self.settings,
            self.recorder,
            self._addresses,
            self.aws,
            self.queries.orders_of,
            self.queries.unanswered,
            self.clock,
            self.files,
        )

    @cached_property
    def installs(self) -> Installs:
        """The app's installation in a shop."""
        from cplus.commands.installs import Installs

        free = self.settings.free_conversations
        return Installs(self.granting, self.credentials, self.recorder, free, self.clock)

    @cached_property
    def granting(self) -> Granting:
        """Asks Shopify for tokens, and whether the app is still installed."""
        from cplus.shopify.granting import Granting

        version = self.settings.shopify_api_version
        return Granting(self.app, self.http, version, self.shop_ids, self.contacts)

    @cached_property
    def shop_ids(self) -> ShopIds:
        """Which id each shop has at Shopify, and which have two hosts."""
        from cplus.shopify.shop_ids import RENAMED, SHOP_IDS, ShopIds

        database = self.mongo.database
        return ShopIds(database[SHOP_IDS], database[RENAMED], self.clock)

    async def shop_id(self, shop: str) -> int | None:
        """Shopify's id of the shop; None if nobody could be asked."""
        return await self.granting.shop_id(shop, self.credentials)

    async def standing(self, shop: str) -> Standing | None:
        """The installation in the shop whose tokens Shopify takes; None if it takes none."""
        return await self.granting.standing(shop, self.credentials)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Records webhooks."""
        from cplus.consumers.erased_shops import ErasedShops
        from cplus.consumers.webhooks.drafting import Webhooks
        from cplus.consumers.webhooks.record import REDELIVERIES

        return Webhooks(
            recorder=self.recorder,
            persons=self.persons,
            bodies=self.bodies,
            redeliveries=self.mongo.database[REDELIVERIES],
            standing=self.standing,
            shop_id=self.shop_id,
            ids=self.shop_ids,
            erased=ErasedShops(self.recorder, self._saved_at, self.clock),
            contacts=self.contacts,
            clock=self.clock,
        )

    @cached_property
    def reactor(self) -> Reactor:
        """Queues the work that follows from new events."""
        from cplus.commands.allowances import count
        from cplus.consumers.reactions.reaction import Reactor
        from cplus.consumers.sending.auto_replying import auto_reply

        return Reactor(
            store=self.store,
            reader=self.reader,
            database=self.mongo.database,
            send=self.aws.send,
            setting=self.settings.needed,
            forget_tokens=self._forget_tokens,
            end_sessions=self.ended_sessions.end_all,
            count=partial(count, use=self.allowances),
            notices=self.notice_wishes,
            due=self.due_rows,
            mailboxes=self.mailbox_news,
            auto_reply=partial(auto_reply, use=self.auto_replying),
            clock=self.clock,
        )

    @cached_property
    def auto_replying(self) -> AutoReplying:
        """Decides what a shop answers by itself."""
        from cplus.consumers.sending.auto_replying import AutoReplying

        return AutoReplying(self.recorder, self.all_ids, self.settings.mail_domain, self.clock)

    @cached_property
    def erasing_shops(self) -> ErasingShops:
        """Erases shops."""
        from cplus.privacy.erasing.shops import ErasingShops

        return ErasingShops(
            recorder=self.recorder,
            keyring=self.keyring,
            directory=self.persons,
            objects=self.objects,
            ledger=self.ledger,
            saved_at=self._saved_at,
            forget_tokens=self._forget_tokens,
            end_sessions=self.ended_sessions.end_all,
            clock=self.clock,
        )

    @cached_property
    def allowances(self) -> Allowances:
        """Counts what shops use."""
        from cplus.commands.allowances import Allowances

        return Allowances(self.recorder, self.settings.free_conversations, self.clock)

    @cached_property
    def conversations(self) -> Conversations:
        """What a merchant does with conversations."""
        from cplus.commands.conversations.answering import Conversations

        domain = self.settings.mail_domain
        files = self.files if self.settings.mail_bucket else None
        return Conversations(self.recorder, self.clock, domain, files)

    @cached_property
    def beginning(self) -> Beginning:
        """Begins conversations that a merchant wants."""
        from cplus.commands.conversations.beginning import Beginning

        return Beginning(self.conversations, self.persons)

    @cached_property
    def withdrawals(self) -> Withdrawals:
        """Takes replies back that wait to be sent."""
        from cplus.commands.conversations.withdrawing import Withdrawals

        return Withdrawals(self.recorder, Leases(self.mongo.database), self.clock)

    @cached_property
    def failed_replies(self) -> FailedReplies:
        """What a merchant does about replies that did not arrive."""
        from cplus.commands.conversations.failed import FailedReplies

        return FailedReplies(self.recorder, self.persons, self.clock)

    @cached_property
    def message_files(self) -> MessageFiles:
        """Gets the files of messages."""
        from cplus.commands.files import Files
        from cplus.consumers.mail.message_files import MessageFiles

        return MessageFiles(self.stored_mails, Files(self.mails))

    @cached_property
    def stored_mails(self) -> StoredMails:
        """Reads mail again."""
        from cplus.consumers.batches.room import Room
        from cplus.consumers.mail.stored_mail import READ_LIMIT, StoredMails

        bucket, room = self.settings.mail_bucket, Room(2 * READ_LIMIT)
        return StoredMails(self.store, self.reader, self.aws, bucket, self.mails, room)

    @cached_property
    def signer(self) -> Signer:
        """Signs cookies and sign-in links."""
        from cplus.signing import Signer

        return Signer(self.settings.secret("application_secret"), self.clock)

    @cached_property
    def used_links(self) -> UsedLinks:
        """Sign-in links that were used."""
        from cplus.privacy.sessions import UsedLinks

        return UsedLinks(self.mongo.database)

    @cached_property
    def used_tokens(self) -> UsedTokens:
        """Id tokens of Shopify that were used."""
        from cplus.privacy.sessions import UsedTokens

        return UsedTokens(self.mongo.database)

    def token_tries(self, address: str | None) -> TokenTries:
        """Tries of the operator token from that address."""
        from cplus.privacy.token_tries import TokenTries, place_of

        place = place_of(address, self.settings.secret("application_secret"))
        return TokenTries(self.mongo.database, self.clock, place=place)

    @cached_property
    def ended_sessions(self) -> EndedSessions:
        """Sessions that ended early."""
        from cplus.privacy.sessions import EndedSessions

        return EndedSessions(self.mongo.database)

    async def _forget_tokens(self, shop: str, removed_at: datetime) -> None:
        """Drops a shop's access tokens. Asks for `credentials` only now: all other reactions do
        without their secrets and the client for HTTP."""
        await self.credentials.forget(shop, removed_at)

    async def _saved_at(self, shop: str) -> datetime | None:
        """When the shop's access tokens were stored."""
        return await self.credentials.saved_at(shop)

    async def _addresses(self, shop: str) -> list[str]:
        """The merchant's addresses: only if none are known, Shopify is asked."""
        known = await self.contacts.find(shop)
        return known or await self.granting.addresses(shop, self.credentials)

    async def close(self) -> None:
        """Ends every connection that was made here; those that were given stay open."""
        await self._own.aclose()


def projector(group: Sequence[Projection]) -> Handler:
    """The handler of a function that folds the projections of `group` for nudged shops."""
    from cplus.consumers.batches.handler import queue_handler
    from cplus.consumers.folding.projecting import handle_nudges
    from cplus.logs import configure
    from cplus.projections.running.runner import Runner

    def made() -> Consumer:
        parts = Parts()
        configure(parts.settings.log_level)
        runner = Runner(parts.mongo, parts.store, parts.reader, group, parts.clock)
        pool = parts.settings.mongo_pool
        return (lambda records, limit: handle_nudges(records, runner, limit, pool)), parts.aws

    return queue_handler(made)


async def ensure_indexes(settings: Settings) -> None:
    """Creates every index; run it with each deployment, before the code that needs them."""
    from cplus.consumers.notices.reminders import ensure_indexes as ensure_reminder_indexes
    from cplus.consumers.scheduled.due import ensure_indexes as ensure_due_indexes
    from cplus.consumers.sending.budget import ensure_indexes as ensure_budget_indexes
    from cplus.consumers.webhooks.record import ensure_indexes as ensure_webhook_indexes
    from cplus.privacy.sessions import ensure_indexes as ensure_session_indexes
    from cplus.privacy.token_tries import ensure_indexes as ensure_try_indexes
    from cplus.projections.generations.lineage_changes import (
        ensure_indexes as ensure_projection_indexes,
    )
    from cplus.projections.groups import ALL
    from cplus.shopify.shop_ids import ensure_indexes as ensure_shop_id_indexes

    mongo = connect(settings)
    try:
        await ensure_log_indexes(mongo.database)
        await ensure_person_indexes(mongo.keyring)
        await ensure_key_indexes(mongo.keyring)
        await ensure_lease_indexes(mongo.database)
        await ensure_webhook_indexes(mongo.database)
        await ensure_budget_indexes(mongo.database)
        await ensure_reminder_indexes(mongo.database)
        await ensure_due_indexes(mongo.database)
        await ensure_shop_id_indexes(mongo.database)
        await ensure_session_indexes(mongo.database)
        await ensure_try_indexes(mongo.database)
        await ensure_projection_indexes(mongo.database, ALL)
    finally:
        await mongo.close()
