"""Parts that follow new events: what is due, what is sent, what is queued."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from cplus.aws import Identities, Tenants
from cplus.bootstrap.shops import ShopParts

if TYPE_CHECKING:
    from cplus.consumers.mailboxes.telling import MailboxNews
    from cplus.consumers.notices.wishes import NoticeRequests
    from cplus.consumers.pushing.news import PushNews
    from cplus.consumers.pushing.sending import Pushing
    from cplus.consumers.reactions.reaction import Reactor
    from cplus.consumers.scheduled.due import DueRows
    from cplus.consumers.scheduled.taking import DueWork
    from cplus.consumers.sending.auto_replying import AutoReplying
    from cplus.consumers.sending.domains.checking import SenderDomains
    from cplus.consumers.sending.limits.budget import Budget
    from cplus.consumers.sending.purpose import MailParts
    from cplus.consumers.sending.tenants import ShopTenants
    from cplus.webpush import PushClient


class SendingParts(ShopParts):
    """What follows from new events, and mail that goes out."""

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
            domains=self.sender_domains,
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

        domains = self.sender_domains
        return ShopTenants(self.tenants, self.recorder, self.due_rows, domains, self.clock)

    @cached_property
    def sender_domains(self) -> SenderDomains:
        """The merchants' own domains."""
        from cplus.consumers.sending.domains.checking import SenderDomains
        from cplus.consumers.sending.domains.dns import Resolver
        from cplus.consumers.sending.domains.rows import DomainRows
        from cplus.leases import Leases

        given = self.settings
        return SenderDomains(
            recorder=self.recorder,
            rows=DomainRows(self.mongo.database, self.clock),
            due=self.due_rows,
            leases=Leases(self.mongo.database),
            identities=Identities(self.aws, given.ses_configuration_set),
            tenants=self.tenants,
            texts=Resolver(given.dns).texts,
            secret=given.secret("application_secret"),
            region=given.region,
            clock=self.clock,
        )

    @cached_property
    def mail_budget(self) -> Budget:
        """What SES's account may send, and each shop."""
        from cplus.consumers.sending.limits.budget import Budget

        shared = self.settings.shared_domain_daily
        return Budget(self.mongo.database, self.aws, self.clock, shared)

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
            forget_staff=self._forget_staff,
            count=partial(count, use=self.allowances),
            notices=self.notice_wishes,
            due=self.due_rows,
            mailboxes=self.mailbox_news,
            pushes=self.push_news,
            auto_reply=partial(auto_reply, use=self.auto_replying),
            clock=self.clock,
        )

    @cached_property
    def auto_replying(self) -> AutoReplying:
        """Decides what a shop answers by itself."""
        from cplus.consumers.sending.auto_replying import AutoReplying

        return AutoReplying(self.recorder, self.all_ids, self.settings.mail_domain, self.clock)

    @cached_property
    def push_news(self) -> PushNews:
        """Has browsers of staff told of new messages."""
        from cplus.consumers.pushing.news import PushNews

        return PushNews(self._is_told, self.aws.send, self.settings.needed, self.clock)

    async def _is_told(self, shop: str) -> bool:
        """Whether anybody of the shop wants to be told. Asks for the rows only now, which need the
        application's secret."""
        return await self.push_subscriptions.any_of(shop)

    @cached_property
    def pushing(self) -> Pushing:
        """Tells browsers of staff of new messages."""
        from cplus.consumers.pushing.sending import Pushing
        from cplus.leases import Leases

        return Pushing(
            settings=self.settings,
            recorder=self.recorder,
            rows=self.push_subscriptions,
            leases=Leases(self.mongo.database),
            client=self.push_client,
            news=self.push_news,
            clock=self.clock,
            key=self.vapid.public,
        )

    @cached_property
    def push_client(self) -> PushClient:
        """Connections to push services."""
        from cplus.webpush import PushClient

        made = PushClient(self.vapid, self.clock, local=self.settings.push_origin)
        self._own.push_async_callback(made.close)
        return made
