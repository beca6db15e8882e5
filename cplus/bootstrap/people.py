"""Parts that know who somebody is: persons, sessions, erasing, exporting."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from cplus.bootstrap.base import BaseParts
from cplus.privacy.persons import PersonDirectory

if TYPE_CHECKING:
    from datetime import datetime

    from cplus.commands.erasing import Erasures
    from cplus.commands.exporting import Exports
    from cplus.commands.looking import Looks
    from cplus.privacy.all_ids import AllIds
    from cplus.privacy.certificates import Certificates
    from cplus.privacy.erasing import Erasing
    from cplus.privacy.ledger import Ledger
    from cplus.privacy.listed import ListedCustomers
    from cplus.privacy.sessions import EndedSessions, UsedLinks, UsedTokens
    from cplus.privacy.token_tries import TokenTries
    from cplus.signing import Signer
    from cplus.webpush import Vapid
    from cplus.workspace import Workspace
    from cplus.workspace.drafts import Drafts
    from cplus.workspace.push_subscriptions import PushSubscriptions


class PeopleParts(BaseParts):
    """Persons, who is signed in, erasing and exporting."""

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
            drafts=self.drafts,
            behind=partial(behind, self.mongo.database, ALL),
            clock=self.clock,
        )

    @cached_property
    def listed(self) -> ListedCustomers:
        """Which customers Shopify's lists had."""
        from cplus.privacy.listed import ListedCustomers

        return ListedCustomers(self.mongo.keyring, self.clock)

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

    @cached_property
    def push_subscriptions(self) -> PushSubscriptions:
        """Browsers of staff that want to be told of new messages."""
        from cplus.workspace.push_subscriptions import PushSubscriptions

        secret = self.settings.secret("application_secret")
        return PushSubscriptions(self.mongo.database, secret, self.clock)

    @cached_property
    def workspace(self) -> Workspace:
        """What staff has read and did last."""
        from cplus.workspace import Workspace

        return Workspace.of(self.mongo.database, self.settings.secret("application_secret"))

    @cached_property
    def drafts(self) -> Drafts:
        """What staff has begun to write and has not sent."""
        from cplus.workspace.drafts import Drafts

        return Drafts(self.mongo.database, self.store, self.keyring, self.persons.find, self.clock)

    @cached_property
    def vapid(self) -> Vapid:
        """The key pair by which push services know the app."""
        from cplus.webpush import Vapid

        return Vapid(self.settings.secret("application_secret"), self.settings.app_url)

    async def _end_sessions(self, shop: str, until: datetime) -> None:
        """Ends what staff of the shop began up to that moment, and forgets what it left."""
        await self.ended_sessions.end_all(shop, until)
        await self._forget_staff(shop, until)

    async def _forget_staff(self, shop: str, until: datetime) -> None:
        """Forgets what staff of the shop had for its work up to that moment: browsers that are told
        of news, who was here, what they read and could undo."""
        await self.push_subscriptions.forget_all(shop, until)
        await self.workspace.forget_all(shop, until)
