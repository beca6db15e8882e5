"""Who is asking: signed session cookies, one-time sign-in links, tokens in forms.

All of it is signed under the application secret, each kind under a key of its own, and ends by
the clock that it is given.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from itsdangerous import BadData, URLSafeSerializer

from cplus.bootstrap import USED_LINKS
from cplus.clock import Clock, utc_now
from cplus.errors import InvalidShop, InvalidSignature
from cplus.ids import random_id
from cplus.keys import derived_key
from cplus.mongo import Database, DuplicateKeyError
from cplus.privacy import sessions
from cplus.settings import Settings
from cplus.shopify.hosts import shop_host

SESSION_SECONDS: Final = sessions.SECONDS
LINK_SECONDS: Final = 15 * 60

_SIGNING: Final = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}


@dataclass(frozen=True, slots=True)
class Session:
    """A merchant who is signed in: the shop is all that they may see."""

    shop: str
    id: str
    since: datetime
    """When they signed in."""
    vouched: bool = False
    """Whether Shopify itself brought the merchant, which it does only where the app is installed;
    a link signs in without asking Shopify."""

    def outlives(self, removed_at: datetime | None) -> bool:
        """Whether the session is good in a shop whose newest news of the app is its removal at
        that moment, None where it is not removed. One that an install made afterwards is: the
        read model may not know of that install yet."""
        return removed_at is None or (self.vouched and self.since > removed_at)


class Signatures:
    """Makes and reads everything that the web app signs."""

    def __init__(self, secret: str, clock: Clock = utc_now) -> None:
        self._forms = derived_key(secret, "web-forms")
        self._sessions = derived_key(secret, "web-sessions")
        self._clock = clock

    def session_cookie(self, shop: str, *, vouched: bool = False) -> str:
        """The value of the cookie that signs a new session in."""
        way = "install" if vouched else "link"
        return self._sign("session", SESSION_SECONDS, shop=shop_host(shop), way=way)

    def session(self, cookie: str | None) -> Session | None:
        """The session of a cookie; None for one that is forged, over or not there."""
        try:
            held = self._read("session", cookie or "")
            return self._session(held, shop_host(held.get("shop")))
        except (InvalidSignature, InvalidShop):
            return None

    def console_cookie(self, operator_token: str) -> str:
        """The value of the cookie that opens the console; void once the token is another."""
        return self._sign(f"console {_digest(operator_token)}", SESSION_SECONDS)

    def console(self, cookie: str | None, operator_token: str) -> Session | None:
        """The operator's session, of no shop; None where there is none."""
        try:
            return self._session(self._read(f"console {_digest(operator_token)}", cookie or ""), "")
        except InvalidSignature:
            return None

    def link_token(self, shop: str) -> str:
        """A token that signs the shop's merchant in once."""
        return self._sign("link", LINK_SECONDS, shop=shop_host(shop))

    def link_shop(self, token: str) -> str | None:
        """The shop that a link of ours is for, also one that is over or used; None for others."""
        try:
            return shop_host(self._load("link", token).get("shop"))
        except (InvalidSignature, InvalidShop):
            return None

    def form_token(self, session: Session) -> str:
        """What each form of the session carries, so that no other site can send it."""
        words = f"{session.shop}\n{session.id}"
        return hmac.new(self._forms, words.encode(), hashlib.sha256).hexdigest()

    def same_form_token(self, session: Session, given: str) -> bool:
        """Whether a form that came in is one of the session's own."""
        return hmac.compare_digest(self.form_token(session).encode(), given.encode())

    def _session(self, held: dict[str, Any], shop: str) -> Session:
        since = datetime.fromtimestamp(held["at"], UTC)
        return Session(shop, str(held["id"]), since, held.get("way") == "install")

    def _sign(self, kind: str, seconds: int, **held: str) -> str:
        at = self._clock().timestamp()
        content = {**held, "id": random_id(), "at": at, "until": at + seconds}
        return str(self._serializer(kind).dumps(content))

    def _read(self, kind: str, value: str) -> dict[str, Any]:
        held = self._load(kind, value)
        if held["until"] <= self._clock().timestamp():
            raise InvalidSignature
        return held

    def _load(self, kind: str, value: str) -> dict[str, Any]:
        try:
            # What is signed is ours, so its shape is too.
            return dict(self._serializer(kind).loads(value))
        except (BadData, UnicodeEncodeError, RecursionError):
            raise InvalidSignature from None

    async def use_link(self, database: Database, token: str) -> str:
        """The shop that the token signs in; raises InvalidSignature for one that is forged, over
        or used before."""
        held = self._read("link", token)
        expires_at = datetime.fromtimestamp(held["until"], UTC)
        row = {"_id": _digest(token), "expires_at": expires_at}
        try:
            await database[USED_LINKS].insert_one(row)
        except DuplicateKeyError:
            raise InvalidSignature from None
        return shop_host(held.get("shop"))

    def _serializer(self, kind: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._sessions, salt=kind, signer_kwargs=dict(_SIGNING))


def sign_in_link(settings: Settings, shop: str, clock: Clock = utc_now) -> str:
    """An address that signs the shop's merchant in: once, and within 15 minutes.

    Raises SettingMissing without an application secret, InvalidShop.
    """
    token = Signatures(settings.secret("application_secret"), clock).link_token(shop)
    return f"{settings.app_url}/auth/sign-in?{urlencode({'token': token})}"


def same_secret(given: str, expected: str) -> bool:
    """Whether both are the same, in a time that does not tell how much of it fits."""
    return hmac.compare_digest(_digest(given), _digest(expected))


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()
