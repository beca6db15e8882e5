"""Who may begin a session, and what ends one: sign-in links, the operator's token, signing out."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import structlog

from cplus.actors import LOCAL, Actor, merchant, operator
from cplus.clock import Clock, utc_now
from cplus.errors import InvalidShop, InvalidSignature, TooManyTries
from cplus.privacy.sessions import EndedSessions, UsedLinks
from cplus.privacy.token_tries import TokenTries
from cplus.settings import Settings
from cplus.shopify.hosts import shop_host
from cplus.signing import Signer

log = structlog.get_logger()

LINK_SECONDS: Final = 15 * 60
"""How long a sign-in link can be used."""

_LINK: Final = "link"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who may begin a session of the shop."""

    shop: str
    actor: Actor
    since: datetime
    """When the link was made. The session counts from then: what ends the sessions of a shop, its
    removal of the app, ends the links of that time too."""


def sign_in_link(
    settings: Settings, shop: str, clock: Clock = utc_now, *, user: str = "", called: str = ""
) -> str:
    """An address that signs a user of the shop in: once, and within 15 minutes. Without a user,
    it signs in `merchant/local`.

    Raises SettingMissing without an application secret, InvalidShop, InvalidActor.
    """
    actor = merchant(user, called) if user else LOCAL
    token = link_token(shop, actor, signer=Signer(settings.secret("application_secret"), clock))
    return f"{settings.app_url}/auth/sign-in?{urlencode({'token': token})}"


def link_token(shop: str, actor: Actor, *, signer: Signer) -> str:
    """What makes a sign-in link: it signs this user of the shop in once. Raises InvalidShop."""
    return signer.sign(
        _LINK, LINK_SECONDS, shop=shop_host(shop), user=actor.id, called=actor.called
    )


async def look_at_link(token: str, *, signer: Signer, used: UsedLinks) -> SignedIn:
    """Who the token would sign in. Changes nothing: whatever opens addresses to look at them (a
    scanner of links in mails, a preview) uses nobody's link up.

    Raises InvalidSignature if it is forged, over or used before.
    """
    held = signer.read(_LINK, token)
    for name in _names(token, held):
        if await used.holds(name):
            raise InvalidSignature
    return _signed_in(held)


async def use_link(token: str, *, signer: Signer, used: UsedLinks) -> SignedIn:
    """Who the token signs in; raises InvalidSignature if it is forged, over or used before."""
    held = signer.read(_LINK, token)
    until = datetime.fromtimestamp(held["until"], UTC)
    for name in _names(token, held):
        if not await used.use(name, until):
            raise InvalidSignature
    return _signed_in(held)


def _names(token: str, held: Mapping[str, Any]) -> tuple[str, str]:
    # By the digest too: the release before knew used links by nothing else, and may still run.
    return _digest(token), f"link/{held['id']}"


def _signed_in(held: Mapping[str, Any]) -> SignedIn:
    # A link from before users were known names nobody.
    actor = Actor("merchant", held.get("user", ""), held.get("called", ""))
    return SignedIn(shop_host(held.get("shop")), actor, datetime.fromtimestamp(held["at"], UTC))


def link_shop(token: str, *, signer: Signer) -> str | None:
    """The shop that a link of ours is for, also of one that is over or used; None for others."""
    try:
        return shop_host(signer.read_ended(_LINK, token).get("shop"))
    except (InvalidSignature, InvalidShop):
        return None


async def sign_out(session_id: str, *, ended: EndedSessions) -> None:
    """Ends the session in every browser that has its cookie. Repeating it changes nothing."""
    await ended.end(session_id)


async def open_console(token: str, name: str, *, expected: str, tries: TokenTries) -> Actor:
    """The operator who may use the console: whoever has the operator token, and says who they are.

    Raises as `check_operator_token`, and InvalidActor for a name that cannot be one.
    """
    await check_operator_token(token, expected=expected, tries=tries)
    return operator(name)


async def check_operator_token(token: str, *, expected: str, tries: TokenTries) -> None:
    """Raises InvalidSignature for another token, and TooManyTries after too many of them: then
    nobody looks whether it is the right one."""
    try:
        mark = await tries.begin()
    except TooManyTries:
        log.warning("console_sign_in_refused", reason="too_many_tries")
        raise
    if not same_secret(token, expected):
        log.warning("console_sign_in_refused", reason="wrong_token")
        raise InvalidSignature
    await tries.forgive(mark)


def same_secret(given: str, expected: str) -> bool:
    """Whether both are the same, in a time that does not tell how much of it fits."""
    return hmac.compare_digest(_digest(given), _digest(expected))


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()
