"""What people ask of their data, and what is done about it: a request is a stream of its own
(`data-request/<id>`, `erasure/<id>`), exports and erasures stand in the person's
(`person/<id>`), the erasure of a shop in the shop's (`shop/<host>`). Of each mail to the merchant
about a request, a notice, `mail/<id>` has the wish to send it and what became of it, in the events
of every mail; the events of notices alone are those from before."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final, Literal

from cplus.events.base import AggregateEvent, Event, Instant, Personal

ExportFormat = Literal["html", "json"]
NoticeKind = Literal["first", "reminder", "last"]
"""The mail that tells of a request, the one a week before it is due, the one a day before."""
NOTICE_PURPOSES: Final[Mapping[NoticeKind, str]] = MappingProxyType(
    {
        "first": "data_request",
        "reminder": "data_request_reminder",
        "last": "data_request_last_reminder",
    }
)
"""The purpose of each as a mail of ours."""
REQUEST: Final = "data-request"
"""What such a mail is about: Shopify's number of the request, in `about`."""


class DataRequested(Event):
    """A customer asked Shopify what is kept about them (webhook `customers/data_request`)."""

    TYPE: ClassVar[str] = "privacy.data_requested"
    request_id: int
    """Shopify's number of the request."""
    person: str
    """The customer, or whoever has the address if Shopify names no customer."""
    shopify_customer_id: int | None = None
    email: Personal[str | None] = None
    phone: Personal[str | None] = None
    due_at: Instant
    """When the merchant must have answered."""


class NoticeRequested(Event):
    """A mail is to go to the merchant about a customer's request for their data. From before such
    mails were requested as every other one; what became of them has events of its own too."""

    TYPE: ClassVar[str] = "privacy.notice_requested"
    message_id: str
    request_id: int
    """Shopify's number of the request."""
    kind: NoticeKind
    due_at: Instant
    """When the merchant must have answered."""


class NoticeSent(Event):
    """SES took a notice."""

    TYPE: ClassVar[str] = "privacy.notice_sent"
    message_id: str
    request_id: int
    kind: NoticeKind
    ses_message_id: str


class NoticeDelivered(Event):
    """The merchant's mailbox accepted a notice."""

    TYPE: ClassVar[str] = "privacy.notice_delivered"
    message_id: str
    request_id: int
    kind: NoticeKind


class NoticeBounced(Event):
    """The merchant's mailbox rejected a notice."""

    TYPE: ClassVar[str] = "privacy.notice_bounced"
    message_id: str
    request_id: int
    kind: NoticeKind
    permanent: bool
    reason: str
    """SES's bounce type and subtype, for example `Permanent/General`."""


class NoticeComplained(Event):
    """The merchant marked a notice as spam."""

    TYPE: ClassVar[str] = "privacy.notice_complained"
    message_id: str
    request_id: int
    kind: NoticeKind


class NoticeRejected(Event):
    """A notice was not sent: SES refused it, nobody knows an address, or it is needed no more."""

    TYPE: ClassVar[str] = "privacy.notice_rejected"
    message_id: str
    request_id: int
    kind: NoticeKind
    reason: str
    """A sentence, or SES's word for it."""


class PersonExported(Event):
    """Somebody downloaded what is kept about a person; recorded before they get any of it."""

    TYPE: ClassVar[str] = "privacy.person_exported"
    person: str
    request_id: int | None = None
    """The request that it answers, if it answers one."""
    format: ExportFormat


class ErasureRequested(Event):
    """Somebody asked that a person be erased: Shopify (webhook `customers/redact`), the merchant or
    an operator. What names the person in it is erased with them."""

    TYPE: ClassVar[str] = "privacy.erasure_requested"
    erasure: str
    """The id of the erasure."""
    person: str
    """The customer, or whoever has the address if Shopify names no customer."""
    shopify_customer_id: int | None = None
    email: Personal[str | None] = None
    phone: Personal[str | None] = None
    due_at: Instant
    """When it must be done."""


class PersonErased(Event):
    """The person was erased: whatever was sealed under their key before this cannot be opened any
    more, and nothing is sealed under it afterwards.

    It names what of theirs the log held, so that every row about them can be found by this event
    alone. One erasure may take several of these events.
    """

    TYPE: ClassVar[str] = "privacy.person_erased"
    VERSION: ClassVar[int] = 2
    erasure: str
    """The id of the erasure, which all ids of one person share."""
    person: str
    conversations: tuple[str, ...] = ()
    """Conversations (by id, without `conversation/`) in which they took part."""
    messages: tuple[str, ...] = ()
    """Messages from them and to them, and mails of theirs that started nothing."""
    requests: tuple[int, ...] = ()
    """Shopify's numbers of the requests for their data."""
    orders: tuple[int, ...] = ()
    """Shopify's ids of what they ordered; none in events of version 1, when an order held nothing
    that was sealed."""


class ErasureCompleted(Event):
    """Nothing of the person is left: the keys are destroyed, objects and the directory's rows are
    deleted, and the ledger of erasures has its entry."""

    TYPE: ClassVar[str] = "privacy.erasure_completed"
    erasure: str
    person: str
    keys: int
    """Keys that were destroyed."""
    objects: int
    """Objects that were deleted, each with all its versions."""


class ShopErasureRequested(Event):
    """Shopify asked that a shop be erased which removed the app (webhook `shop/redact`)."""

    TYPE: ClassVar[str] = "privacy.shop_erasure_requested"
    erasure: str
    """The id of the erasure."""
    due_at: Instant
    """When it must be done."""


class ShopErased(AggregateEvent):
    """The shop was erased (stream `shop/<host>`): nothing that was recorded about anybody before
    this can be opened any more, and no read model has a row that is made of it."""

    TYPE: ClassVar[str] = "privacy.shop_erased"
    erasure: str
    """The id of the erasure."""


class RetentionSet(Event):
    """The merchant said for how long people are kept who only wrote (stream `shop/<host>`)."""

    TYPE: ClassVar[str] = "privacy.retention_set"
    months: int | None
    """After so many months without a message or an open conversation they are erased; None: never,
    as without this event."""


UPCASTS = {(PersonErased.TYPE, 1): dict}
"""Version 2 names the orders of the person."""
