"""Who is asking: signed session cookies, and tokens in forms."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cplus.actors import Actor
from cplus.errors import InvalidShop, InvalidSignature
from cplus.keys import derived_key
from cplus.privacy import sessions
from cplus.shopify.hosts import shop_host
from cplus.signing import Signer
from cplus.web.kit.id_tokens import Brought

SESSION_SECONDS: Final = sessions.SECONDS


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in: a merchant, for whom the shop is all that they may see, or an
    operator, of no shop."""

    shop: str
    id: str
    since: datetime
    """When they signed in."""
    actor: Actor
    vouched: bool = False
    """Whether Shopify itself brought the merchant, which it does only where the app is installed;
    a link signs in without asking Shopify."""
    brought: Brought | None = None
    """The id token by which Shopify's Admin brought this one request; None for a session that a
    cookie keeps."""

    def outlives(self, removed_at: datetime | None) -> bool:
        """Whether the session is good in a shop whose newest news of the app is its removal at
        that moment, None where it is not removed. One that an install made afterwards is: the
        read model may not know of that install yet."""
        return removed_at is None or (self.vouched and self.since > removed_at)


class Signatures:
    """Makes and reads the cookies and the tokens in forms."""

    def __init__(self, secret: str, signer: Signer) -> None:
        self._forms = derived_key(secret, "web-forms")
        self._signer = signer

    def session_cookie(
        self,
        shop: str,
        actor: Actor,
        *,
        since: datetime | None = None,
        vouched_at: datetime | None = None,
    ) -> str:
        """The value of the cookie that begins a new session. `vouched_at` is when Shopify itself
        brought the merchant, if it did, and `since` when the link was made that did: the session
        counts from then."""
        way = {"way": "link" if vouched_at is None else "install"}
        begun = since if vouched_at is None else vouched_at
        if begun is not None:
            way["since"] = begun.isoformat()
        return self._signer.sign(
            "session",
            SESSION_SECONDS,
            shop=shop_host(shop),
            user=actor.id,
            called=actor.called,
            **way,
        )

    def session(self, cookie: str | None) -> Session | None:
        """The session of a cookie; None for one that is forged, over or not there."""
        try:
            held = self._signer.read("session", cookie or "")
            shop = shop_host(held.get("shop"))
        except (InvalidSignature, InvalidShop):
            return None
        # A cookie from before users were known names none.
        actor = Actor("merchant", held.get("user", ""), held.get("called", ""))
        return _session(held, shop, actor, vouched=held.get("way") == "install")

    def last_shop(self, cookie: str | None) -> str:
        """The shop of a cookie of ours, also of one that is over; "" for others."""
        try:
            return shop_host(self._signer.read_ended("session", cookie or "").get("shop"))
        except (InvalidSignature, InvalidShop):
            return ""

    def console_cookie(self, operator_token: str, operator: Actor) -> str:
        """The value of the cookie that opens the console; void once the token is another."""
        kind = _console(operator_token)
        return self._signer.sign(kind, SESSION_SECONDS, name=operator.id)

    def console(self, cookie: str | None, operator_token: str) -> Session | None:
        """The operator's session, of no shop; None if the cookie holds no valid one."""
        try:
            held = self._signer.read(_console(operator_token), cookie or "")
        except InvalidSignature:
            return None
        return _session(held, "", Actor("operator", held.get("name", "")))

    def form_token(self, session: Session) -> str:
        """What each form of the session carries, so that no other site can send it: a digest, and
        for people who use several shops the shop behind a dot."""
        words = f"{session.shop}\n{session.id}"
        digest = hmac.new(self._forms, words.encode(), hashlib.sha256).hexdigest()
        return f"{digest}.{session.shop}" if session.shop else digest

    def same_form_token(self, session: Session, given: str) -> bool:
        """Whether a form that came in is one of the session's own; one from before shops stood in
        it is too."""
        digest = self.form_token(session).partition(".")[0]
        return hmac.compare_digest(digest.encode(), given.partition(".")[0].encode())


def _session(held: dict[str, Any], shop: str, actor: Actor, *, vouched: bool = False) -> Session:
    # Most cookies hold no other moment than that of their signature.
    told = held.get("since")
    since = datetime.fromisoformat(told) if told else datetime.fromtimestamp(held["at"], UTC)
    return Session(shop, str(held["id"]), since, actor, vouched)


def _console(operator_token: str) -> str:
    digest = hashlib.sha256(operator_token.encode("utf-8", "replace")).hexdigest()
    return f"console {digest}"
