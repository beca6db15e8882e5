"""What kinds of mail we send: how each is made at the moment in which it is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from cplus.aws import Aws
from cplus.clock import Clock
from cplus.commands.files import Files
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.catalogue.mail import MailRequested
from cplus.events.recording import Recorder
from cplus.projections.queries import Conversation, Order, Page
from cplus.settings import Settings

W = TypeVar("W", ReplyWritten, MailRequested)


@dataclass(frozen=True, slots=True)
class MailParts:
    """What mails are made with."""

    settings: Settings
    recorder: Recorder
    """The log, its reader too."""
    addresses: Callable[[str], Awaitable[Sequence[str]]]
    """The merchant's addresses, as Shopify told them, the owner's first. Raises ShopifyUnavailable,
    ShopifyRefused and Throttled if Shopify has to be asked."""
    aws: Aws
    orders: Callable[[str, str], Awaitable[Sequence[Order]]]
    """What a person of the shop ordered, the newest first, as the read models have it."""
    unanswered: Callable[[str, int], Awaitable[Page[Conversation]]]
    """So many conversations of the shop that await a reply, the newest first."""
    clock: Clock
    files: Files
    """The files that go with mails."""
    sender: str | None = None
    """The merchant's own address that this mail leaves from; None if it leaves from ours."""


class Mail(NamedTuple):
    """A mail that is ready to be sent."""

    sender: str
    recipients: Sequence[str]
    """Whom SES delivers it to, those in Cc and Bcc too."""
    raw: bytes


class Leaving(NamedTuple):
    """How a mail leaves. It is read once for each try: what is taken of the budget, where the mail
    leaves from and what is recorded of it are the same, whatever is found of a domain meanwhile."""

    own: str | None
    """The merchant's own address that it leaves from; None if it leaves from ours."""
    counted: bool
    """Whether it counts as mail to a customer from our domain."""
    tenant: str | None
    """As which tenant SES sends it."""
    fallback: str | None
    """The merchant's domain, if it leaves from ours because that one failed."""


class Never(NamedTuple):
    """It is not to be sent, now or later."""

    reason: str


class Later(NamedTuple):
    """It can't be sent now."""

    code: str
    """Why, for the log of the function."""
    seconds: float | None = None
    """Until it may be tried again; None: after a pause that grows with each try."""


@dataclass(frozen=True, slots=True)
class Purpose(Generic[W]):
    """A kind of mail."""

    name: str
    """It is stored: it never changes."""
    ready: Callable[[str, W, MailParts], Awaitable[Mail | Never | Later]]
    """The mail as it goes now for a shop and the wish for it, if it still helps. Called before each
    try, so it changes nothing. An InvalidInput that it raises means never."""
    threads: bool = False
    """Whether it goes to a customer in a conversation, so that an answer which names its Message-ID
    belongs there."""
