"""The app is installed in a shop: tokens for the merchant's consent, and the news in the log."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple, Protocol

import structlog

from cplus.actors import Actor
from cplus.clock import Clock
from cplus.commands.scopes import changed_scopes
from cplus.events.aggregates.billing_account import BillingAccount
from cplus.events.aggregates.shop import Shop
from cplus.events.base import Cause, NewEvent
from cplus.events.catalogue.imports import ImportEnded
from cplus.events.catalogue.shops import AppInstalled, AppUninstalled
from cplus.events.log.commit import Draft
from cplus.events.names import (
    INSTALLED_REF,
    billing_stream,
    import_stream,
    install_claim,
    install_import,
    shop_stream,
)
from cplus.events.recording import Recorder
from cplus.events.repository import decided
from cplus.ids import random_id
from cplus.shopify.credentials import Credentials
from cplus.shopify.oauth import Tokens
from cplus.shopify.queries import ShopInfo

log = structlog.get_logger()


class Shopify(Protocol):
    """What an installation asks Shopify for."""

    async def tokens(self, shop: str, code: str) -> Tokens:
        """Tokens for the code, which works once. Raises ShopifyRefused (a used or unknown code),
        AuthFailed, ShopifyUnavailable."""
        ...

    async def exchange(self, shop: str, id_token: str) -> Tokens:
        """Tokens for the id token of somebody who has the app open in the Admin. Raises
        ShopifyRefused (an id token that is over, or of a shop without the app), AuthFailed,
        ShopifyUnavailable."""
        ...

    async def info(self, shop: str, access_token: str) -> ShopInfo:
        """The shop's facts. Raises AuthFailed, ShopifyRefused, ShopifyUnavailable, Throttled."""
        ...

    async def removed(self, shop: str, credentials: Credentials) -> bool:
        """Whether the app is no longer installed. Raises ShopifyRefused, ShopifyUnavailable,
        Throttled."""
        ...


@dataclass(frozen=True, slots=True)
class Installs:
    """What installing needs."""

    shopify: Shopify
    credentials: Credentials
    recorder: Recorder
    free_conversations: int
    """What the account of a shop that installs the app allows in a month."""
    clock: Clock


@dataclass(frozen=True, slots=True)
class Installed:
    """The app is installed in the shop, now or before."""

    position: int
    """Where the consent is recorded."""
    consented_at: datetime
    """When Shopify vouched for the consent: of one that comes again, the first time."""


async def install(
    shop: str, code: str, *, said: Mapping[str, str], actor: Actor, use: Installs
) -> Installed:
    """Installs the app with the code that Shopify gave for the merchant's consent.

    `said` is what else Shopify told with it, nothing secret: the log keeps it as the cause.
    Installing again is fine, and a code that comes twice is answered as the first time: it names
    the commit. Raises ShopifyRefused (a used code), AuthFailed, ShopifyUnavailable, Throttled,
    OutcomeUnknown, DecisionOvertaken.
    """
    claim = install_claim(code)
    before = await use.recorder.store.by_claim(shop, claim)
    if before is not None:
        return Installed(before.position, before.recorded_at)
    void_at = await _void_at(shop, await _told(shop, use.recorder), use)
    tokens, info = await _grant(shop, partial(use.shopify.tokens, shop, code), use)

    async def decide() -> Draft:
        events = await _decided(shop, tokens, info, void_at, use)
        return _draft(shop, claim, events, said, actor)

    outcome = await use.recorder.record(shop, claim, decide)
    log.info("app_granted", shop=shop, position=outcome.position)
    return Installed(outcome.position, use.clock())


async def install_by_token(
    shop: str, id_token: str, *, said: Mapping[str, str], actor: Actor, use: Installs
) -> Installed | None:
    """Installs the app with the id token of somebody who has it open in the Admin, where the
    merchant consented before; None if nothing is missing.

    Nothing is if the log has an installation that was not removed, and its tokens may still work.
    If only those were missing, nothing is recorded. Shopify gives such a grant no identity of its
    own: it is named after the news that it follows, so that of several requests at once one is
    recorded. Raises as `install` does.
    """
    told = await _told(shop, use.recorder)
    if not told.removed and await use.credentials.usable(shop):
        return None
    claim = install_claim(f"exchange {told.newest}")
    before = await use.recorder.store.by_claim(shop, claim)
    if before is not None and not before.types:
        # An older release spent the claim on tokens that were only replaced.
        claim = install_claim(f"exchange {told.newest} after {before.id}")
        before = await use.recorder.store.by_claim(shop, claim)
    if before is not None and await use.credentials.usable(shop):
        return Installed(before.position, before.recorded_at)
    void_at = await _void_at(shop, told, use)
    tokens, info = await _grant(shop, partial(use.shopify.exchange, shop, id_token), use)

    async def decide() -> Draft | None:
        events = await _decided(shop, tokens, info, void_at, use)
        # Without events the claim stays: the next installation may follow the same news.
        return _draft(shop, claim, events, said, actor) if events else None

    outcome = await use.recorder.record(shop, claim, decide)
    log.info("app_granted", shop=shop, position=outcome and outcome.position)
    return Installed(outcome.position, use.clock()) if outcome else None


async def _grant(
    shop: str, get_tokens: Callable[[], Awaitable[Tokens]], use: Installs
) -> tuple[Tokens, ShopInfo]:
    """Asks for tokens and stores them, and asks for the shop's facts."""
    tokens = await get_tokens()
    # First of all: the grant is used up, and who reads the event needs the tokens.
    await use.credentials.save(shop, tokens)
    return tokens, await use.shopify.info(shop, tokens.access_token)


def _draft(
    shop: str, claim: str, events: list[NewEvent], said: Mapping[str, str], actor: Actor
) -> Draft:
    return Draft(
        shop=shop,
        claim=claim,
        source="install",
        actor=str(actor),
        events=events,
        cause=Cause("install", body=json.dumps(dict(said), sort_keys=True).encode()),
        refs=[*dict.fromkeys(new.stream for new in events), INSTALLED_REF] if events else [],
        correlation_id=random_id(),
        reason=None if events else "the app is installed with these scopes already",
    )


async def _decided(
    shop: str, tokens: Tokens, info: ShopInfo, void_at: datetime | None, use: Installs
) -> list[NewEvent]:
    """What the consent means; `void_at` is when the grant before was last known to hold no longer,
    which was asked before these tokens replaced its own. The first install also opens the shop's
    account."""
    aggregate: Shop = await use.recorder.load(Shop, shop, shop_stream(shop))
    erased = aggregate.erased
    aggregate.install(
        scopes=[scope.strip() for scope in tokens.scope.split(",") if scope.strip()],
        shop_name=info.name,
        currency=info.currency,
        timezone=info.timezone,
        shopify_plan=info.plan.name,
        country=info.address.country,
        void_at=void_at,
        now=use.clock(),
        changed=await changed_scopes(shop, use.recorder),
    )
    events = decided(aggregate)
    if not events:
        return []
    account: BillingAccount = await use.recorder.load(BillingAccount, shop, billing_stream(shop))
    account.open(conversations=use.free_conversations, now=use.clock(), again=erased)
    return events + decided(account)


class _Told(NamedTuple):
    """What the log tells of the shop's grants."""

    newest: str
    """The id of the newest installation or removal; "" without one."""
    installed_at: datetime | None
    """When the app was last installed."""
    removed: bool
    """Whether it was removed since, or never installed."""
    void_at: datetime | None
    """When it was last removed, or its import refused by what was recorded since."""


async def _void_at(shop: str, told: _Told, use: Installs) -> datetime | None:
    """When the shop's grant before was last known to hold no longer; None if it holds.

    The log may know that the app was removed, or that Shopify refused the import. That news
    may still be on its way: so Shopify, which voids the tokens of an app that is removed, is
    asked whether it takes them.
    """
    void_at = told.void_at
    if told.installed_at is None or (void_at is not None and void_at >= told.installed_at):
        return void_at
    asked_at = use.clock()
    return asked_at if await use.shopify.removed(shop, use.credentials) else None


async def _told(shop: str, recorder: Recorder) -> _Told:
    """What the log tells, read back to the last installation."""
    newest, ends = "", list[datetime]()
    store = recorder.store
    commits = store.iterate_ref(shop, shop_stream(shop), newest_first=True, batch=100)
    async for commit in commits:
        for recorded in await recorder.reader.of(commit, AppInstalled, AppUninstalled):
            newest = newest or recorded.id
            if isinstance(recorded.event, AppUninstalled):
                ends.append(recorded.occurred_at)
                continue
            removed = any(end >= recorded.occurred_at for end in ends)
            ends += await _refused(shop, install_import(recorded.id), recorder)
            return _Told(newest, recorded.occurred_at, removed, max(ends, default=None))
    return _Told(newest, None, True, max(ends, default=None))


async def _refused(shop: str, import_id: str, recorder: Recorder) -> list[datetime]:
    """When Shopify refused to go on with that import for want of a grant, if it did."""
    newest = await recorder.store.by_ref(shop, import_stream(import_id), 1)
    ended = await recorder.reader.read(newest, [ImportEnded])
    return [
        recorded.occurred_at
        for events in ended
        for recorded in events
        if isinstance(recorded.event, ImportEnded)
        and recorded.event.outcome not in ("complete", "closed")
    ]
