"""The merchant who is signed in, as every page of theirs asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Final

import structlog
from fastapi import Depends, HTTPException, Request
from fastapi.responses import RedirectResponse

from cplus.actors import ADMIN, LOCAL, Actor
from cplus.commands import installs
from cplus.commands.conversations.answering import Conversations
from cplus.commands.team import Act, Staff, learn, may, see, team_and_settings_of, team_of
from cplus.errors import AuthFailed, ShopifyError, ShopifyRefused
from cplus.events.aggregates.settings import ShopSettings
from cplus.events.aggregates.team import Team
from cplus.privacy.sessions import EndedSessions, UsedTokens
from cplus.projections.queries import Queries, Shop
from cplus.web.kit.acts import act_of, demand
from cplus.web.kit.auth import Session, Signatures
from cplus.web.kit.cookies import SESSION, Cookies
from cplus.web.kit.deep_links import wanted_page
from cplus.web.kit.deps import (
    bridge_of,
    conversations_of,
    cookies_of,
    ended_of,
    installs_of,
    queries_of,
    read_token_of,
    signatures_of,
    staff_of,
    used_tokens_of,
)
from cplus.web.kit.frame import Bridge, Frame, framing
from cplus.web.kit.id_tokens import (
    BOUNCED,
    ReadToken,
    TokenNeeded,
    brought,
    is_document,
    is_fetch,
    named_shops,
)
from cplus.wording import worded
from cplus.workspace.members import Known

log = structlog.get_logger()

_NOT_THEIRS: Final = ("/api/", "/auth/", "/console", "/static/")
OTHER: Final = worded("This browser is signed in to another shop.")
GONE: Final = worded("The app is no longer installed in this shop.")


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who looks at the page, as the page needs it."""

    session: Session
    row: Shop | None
    """The shop's facts; None until the first are there."""
    csrf: str
    team: Team
    """Who works in the shop."""
    settings: ShopSettings
    """What is set in the shop."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What members of the team are called, by their ids, as far as it is known."""
    here: Mapping[str, Known] = field(default_factory=dict)
    """Who of the staff was here, by their ids."""
    frame: Frame | None = None
    """What a page of theirs in the Admin's frame knows of itself; None in a window of its own."""

    @property
    def shop(self) -> str:
        """The host: the only shop that this request may read or write."""
        return self.session.shop

    @property
    def actor(self) -> Actor:
        """Which of the shop's staff it is."""
        return self.session.actor

    def called(self, member: str) -> str:
        """What a member of the team is called, by their id as an event keeps it."""
        known = (one.shown for one in (self.actor, ADMIN, LOCAL) if one.author == member)
        name = next(known, None) or self.names.get(member)
        return name or Actor("merchant", member).shown

    @property
    def colleagues(self) -> dict[str, str]:
        """What the other members of the team are called who look at pages, by their ids."""
        found = (one for one, role in self.team.members.items() if may(role, "look"))
        return {one: self.called(one) for one in found if one != self.actor.author}

    def may(self, act: Act) -> bool:
        """Whether they may do that."""
        return may(self.team.role_of(self.actor.author), act)

    def demand(self, act: Act) -> None:
        """403 with words if they may not do that."""
        demand(self.team.role_of(self.actor.author), act)

    @property
    def name(self) -> str:
        """The shop's name, its host until that is known."""
        return (self.row and self.row.name) or self.session.shop

    @property
    def timezone(self) -> str | None:
        """The shop's time zone, an IANA name."""
        return self.row.timezone if self.row else None


class SignInNeeded(Exception):
    """Nobody is signed in, or not to the shop that the address names."""

    def __init__(self, note: str = "", shop: str = "") -> None:
        super().__init__(note, shop)
        self.note = note
        self.shop = shop
        """The shop that the address names, if it does; the one that removed the app."""


class NotGranted(Exception):
    """Shopify gave the app no tokens for the shop."""

    def __init__(self, shop: str, *, refused: bool) -> None:
        super().__init__(shop, refused)
        self.shop = shop
        self.refused = refused
        """Whether Shopify said no; otherwise it didn't respond as expected."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What it takes to find out who asks, and what they may do."""

    signatures: Signatures
    cookies: Cookies
    read_token: ReadToken
    bridge: Bridge
    queries: Queries
    ended: EndedSessions
    used: UsedTokens
    use: Conversations
    staff: Staff

    @classmethod
    async def of(cls, request: Request) -> Asking:
        """That of a request. No dependencies of FastAPI: it looks at each of them anew, for
        every page."""
        return cls(
            await signatures_of(request),
            await cookies_of(request),
            await read_token_of(request),
            await bridge_of(request),
            await queries_of(request),
            await ended_of(request),
            await used_tokens_of(request),
            await conversations_of(request),
            await staff_of(request),
        )

    def session(self, request: Request) -> Session | None:
        """The session of the cookie, or in the Admin's frame that of Shopify's id token; None where
        there is none. It may have been ended since. Raises TokenNeeded."""
        if not is_fetch(request) and not is_document(request):
            return self.signatures.session(self.cookies.held(request, SESSION))
        token = brought(request, self.read_token)
        held, actor = token.held, Actor("merchant", token.held.user_id)
        # Shopify vouches for the moment at which it made the token, and not for any later one.
        return Session(held.shop, held.session_id, held.issued_at, actor, True, token)


async def merchant(request: Request) -> Merchant:
    """The merchant of the session; raises SignInNeeded, also for a page whose address names
    another shop, as every address does by which Shopify opens the app; in the Admin's frame
    TokenNeeded and NotGranted; 403 for what their role does not allow. Who was not here before is
    a member of the team from now on."""
    me = await _merchant(request, await Asking.of(request), may_install=True)
    path = getattr(request.scope.get("route"), "path", "")
    try:
        me.demand(act_of(request.method, path, request.url.path))
    except HTTPException:
        if me.may("look"):
            request.state.merchant = me
        raise
    request.state.merchant = me
    return me


async def _merchant(request: Request, asking: Asking, *, may_install: bool) -> Merchant:
    """The same; without `may_install` a document of the frame asks Shopify for no tokens."""
    session = asking.session(request)
    asked = _asked_shop(request, session)
    if session is None or asked not in ("", session.shop):
        other = session is not None and request.url.path.startswith("/api/")
        raise SignInNeeded("other" if other else "", shop=asked)
    row, (team, settings), known, has_ended, taken = await asyncio.gather(
        asking.queries.shop(session.shop),
        team_and_settings_of(asking.use.recorder, session.shop),
        asking.staff.members.known(session.shop),
        asking.ended.holds(session.shop, session.id, session.since),
        _taken(request, session, asking.used),
    )
    if not taken:
        raise TokenNeeded(session.shop, used=True)
    # First of all: the removal of the app ends the sessions too, and is the reason to tell.
    if row and not session.outlives(row.uninstalled_at):
        raise SignInNeeded("gone", asked or session.shop)
    if has_ended:
        raise TokenNeeded(session.shop) if session.brought else SignInNeeded(shop=asked)
    frame, names = None, {member: one.name for member, one in known.items() if one.name}
    if session.brought:
        if may_install and not getattr(request.state, "head", False):
            await _ensure_installed(request, session, row)
        request.state.framing = framing(asking.bridge, session.shop)
        frame = Frame(session.shop, asking.bridge, wanted_page(request), session.brought.tab)
    if may_install and not getattr(request.state, "head", False):
        team = await _with(session, team, asking.use)
        if session.brought and session.brought.document:
            who, token = session.actor, session.brought.token
            before = known.get(who.author)
            name = await learn(session.shop, token, before, actor=who, use=asking.staff)
            if name is not None:
                names[who.author] = name
                team = await team_of(asking.use.recorder, session.shop)
    own = names.get(session.actor.author)
    if own and not session.actor.called:
        session = replace(session, actor=replace(session.actor, called=own))
    csrf = asking.signatures.form_token(session)
    return Merchant(session, row, csrf, team, settings, names, known, frame)


async def _with(session: Session, team: Team, use: Conversations) -> Team:
    """The team with the member of the session in it."""
    if not team.is_new(session.actor.author):
        return team
    return await see(
        session.shop, session.actor, source="dashboard", recorder=use.recorder, clock=use.clock
    )


async def _taken(request: Request, session: Session, used: UsedTokens) -> bool:
    """Whether the id token of the request, if there is one, is good for it and now used up."""
    if session.brought is None or getattr(request.state, "head", False):
        return True  # HEAD tells nothing, and leaves the token to the GET that follows
    return await session.brought.taken(used)


async def _ensure_installed(request: Request, session: Session, row: Shop | None) -> None:
    """Installs the app if the shop has no tokens that work: at an authorised document, which
    Shopify opens only where the merchant consented (Shopify-managed installation: the Admin asks
    for consent by itself, and the app gets its tokens for the id token of the first document).

    Raises TokenNeeded (once, for a fresh token) and NotGranted. A shop whose installation is
    known is shown without: mail is read and answered without Shopify.

    Source: Shopify's pages on managed installation and on token exchange.
    """
    brought = session.brought
    if brought is None or not brought.document:
        return
    use = await installs_of(request)
    known = row is not None and row.uninstalled_at is None
    if known and await use.credentials.usable(session.shop):
        return
    said = {"shop": session.shop, "way": "token exchange"}
    try:
        await installs.install_by_token(
            session.shop, brought.token, said=said, actor=session.actor, use=use
        )
    except ShopifyError as error:
        log.warning("install_failed", error=type(error).__name__)
        refused = isinstance(error, ShopifyRefused | AuthFailed)
        if refused and BOUNCED not in request.query_params:
            raise TokenNeeded(session.shop) from None  # it may have been over on its way
        if not known or refused:
            raise NotGranted(session.shop, refused=refused) from None


async def known_merchant(request: Request, *, ask: bool) -> Merchant | None:
    """The merchant who sees a page that says that something went wrong; None where nobody is
    signed in. With `ask`, also on an address that is no page of theirs."""
    known: Merchant | None = getattr(request.state, "merchant", None)
    if known or not ask or request.url.path.startswith(_NOT_THEIRS):
        return known
    try:
        # It installs nothing: that is for pages, and what fails in it has an error page itself.
        me = await _merchant(request, await Asking.of(request), may_install=False)
    except (SignInNeeded, TokenNeeded):
        return None
    return me if me.may("look") else None


def _asked_shop(request: Request, session: Session | None) -> str:
    """The shop that the address of a page names, another than the session's before all; "" where
    it names none."""
    if request.method != "GET":
        return ""
    shops = named_shops(request)
    others = [one for one in shops if session is None or one != session.shop]
    return "".join((others or shops)[:1])


MerchantDep = Annotated[Merchant, Depends(merchant)]


def see_other(address: str) -> RedirectResponse:
    """Sends the browser on, by GET."""
    return RedirectResponse(address, 303)
