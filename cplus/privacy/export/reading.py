"""What one event says about a person. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from cplus.actors import SHOPPER
from cplus.events.audit.history import APP, DEEDS, did
from cplus.events.base import Event, Recorded
from cplus.events.catalogue.addresses import AddressMarked, AddressUnmarked
from cplus.events.catalogue.conversations import (
    AnswerRefused,
    AutoReplied,
    MessageReceived,
    NoteWritten,
    ReplyWritten,
)
from cplus.events.catalogue.customers import (
    CustomerChanged,
    CustomerConsentChanged,
    CustomerDeleted,
    CustomerImported,
    CustomerSpendChanged,
    CustomerTagsChanged,
    PersonsJoined,
)
from cplus.events.catalogue.mail import MailRequested, MailSetAside
from cplus.events.catalogue.mailboxes import MailboxAdded
from cplus.events.catalogue.merges import PersonsMerged, PersonsUnmerged
from cplus.events.catalogue.operators import OperatorLooked
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.catalogue.persons import PersonNoteRemoved, PersonNoteWritten, PersonTagged
from cplus.events.catalogue.privacy import (
    DataRequested,
    ErasureCompleted,
    ErasureRequested,
    PersonErased,
    PersonExported,
)
from cplus.events.catalogue.saved_replies import ReplySaved
from cplus.events.catalogue.segments import CustomersExported, SegmentSaved
from cplus.events.catalogue.senders import SenderBlocked, SenderUnblocked
from cplus.events.catalogue.settings import AutoReplySet, SenderChosen, SignatureSet
from cplus.events.catalogue.tags import TagChanged, TagMade, ViewSaved
from cplus.events.catalogue.threads import ConversationRearranged
from cplus.events.files import StoredFile
from cplus.events.names import conversation_id, is_conversation
from cplus.mail.failures import failure_words
from cplus.privacy.export.entries import (
    AddressNote,
    BlockNote,
    Consent,
    Deed,
    Details,
    Entry,
    ErasureAsked,
    FileOf,
    MailOut,
    NoteOn,
    Order,
    Request,
    Sum,
    TagsTold,
    Written,
)
from cplus.wording import worded

_OWN_DEEDS: Final[Mapping[type[Event], str]] = MappingProxyType(
    {
        CustomerChanged: worded("sent the customer’s details"),
        CustomerImported: worded("imported the customer’s details"),
        CustomerConsentChanged: worded("sent the consent to email marketing"),
        CustomerTagsChanged: worded("changed the customer’s tags"),
        CustomerSpendChanged: worded("sent what the customer bought in all"),
        CustomerDeleted: worded("deleted the customer"),
        PersonsJoined: worded("found that two records are one person"),
        PersonsMerged: worded("merged two records, as of one person"),
        PersonsUnmerged: worded("took the merge of two records back"),
        OrderChanged: worded("sent an order"),
        AddressMarked: worded("stopped mail to an address of the person"),
        AddressUnmarked: worded("allowed mail to an address of the person again"),
        MailRequested: worded("asked that a mail be sent"),
        SenderBlocked: worded("blocked the person’s address"),
        SenderUnblocked: worded("unblocked the person’s address"),
        MailSetAside: worded("wrote a mail that started no conversation"),
        MailboxAdded: worded("named an address of the merchant’s own"),
        PersonNoteWritten: worded("wrote a note on the person"),
        PersonNoteRemoved: worded("removed a note on the person"),
        PersonTagged: worded("changed the shop’s tags on the person"),
        DataRequested: worded("asked for what is kept about them"),
        PersonExported: worded("downloaded what is kept about the person"),
        OperatorLooked: worded("looked at what is kept about the person"),
        ErasureRequested: worded("asked that the person be erased"),
        PersonErased: worded("erased what is kept about the person"),
        SignatureSet: worded("set a signature"),
        TagMade: worded("made a tag"),
        TagChanged: worded("changed a tag"),
        ViewSaved: worded("saved a view"),
        ReplySaved: worded("saved a reply to use again"),
        SegmentSaved: worded("saved a segment"),
        CustomersExported: worded("downloaded customers as a file"),
        SenderChosen: worded("chose the address that email comes from"),
        AutoReplySet: worded("set the automatic replies"),
        ErasureCompleted: worded("completed the erasure of the person"),
        ConversationRearranged: worded("changed which messages stand in the conversation"),
    }
)


def deed(recorded: Recorded) -> Deed:
    """What was done. Of an event that has no words here, its stored type says it."""
    event = recorded.event
    kind = type(event)
    words = _OWN_DEEDS.get(kind) or (did(event) if kind in DEEDS else event.TYPE)
    # Whoever recorded it, the person wrote it: so does a merchant who takes a mail up.
    actor = SHOPPER if kind in {MessageReceived, MailSetAside} else recorded.actor
    actor = APP if kind is AnswerRefused else actor
    return Deed(recorded.occurred_at, actor, words, event.TYPE, recorded.position)


def entries(recorded: Recorded) -> Iterator[Entry]:
    """What an event that names the person says about them."""
    at = recorded.occurred_at
    match recorded.event:
        case CustomerChanged() as told:
            yield _details(told, recorded)
        case CustomerImported() as told:
            number = told.shopify_customer_id
            yield _details(told, recorded)
            yield Sum(at, number, told.orders, told.amount_spent, told.currency)
            if told.email_consent is not None:
                yield Consent(at, number, told.email_consent)
        case CustomerConsentChanged() as told:
            yield Consent(at, told.shopify_customer_id, told.email_consent)
        case CustomerSpendChanged() as told:
            number = told.shopify_customer_id
            yield Sum(at, number, told.orders, told.amount_spent, told.currency)
        case CustomerTagsChanged() as told:
            added, removed = list(told.added or ()), list(told.removed or ())
            yield TagsTold(at, told.shopify_customer_id, added, removed)
        case OrderChanged() as order:
            yield _order(order, recorded)
        case MessageReceived() | MailSetAside() as mail:
            yield _received(mail, recorded)
        case NoteWritten() | AnswerRefused() as kept:
            yield _unsent(kept, recorded)
        case ReplyWritten() as reply:
            yield Written(
                at=at,
                direction="out",
                conversation=conversation_id(recorded.stream),
                subject=reply.subject,
                text=reply.text,
                from_name=None,
                from_address=None,
                sent_from=None,
                to_address=reply.to_address,
                cc=list(reply.cc or ()),
                bcc=list(reply.bcc or ()),
                rfc_message_id=None,  # SES gives it, and MailSent names it
                in_reply_to=reply.in_reply_to,
                attachments=len(reply.files or ()),
                automatic=False,
                message=reply.message_id,
                files=_files(reply.files),
            )
        case AutoReplied() as auto:
            yield _auto_replied(auto, recorded)
        case _:
            yield from _asked(recorded)


def _auto_replied(reply: AutoReplied, recorded: Recorded) -> Written:
    return Written(
        at=recorded.occurred_at,
        direction="out",
        conversation=conversation_id(recorded.stream),
        subject=reply.subject,
        text=reply.text,
        from_name=None,
        from_address=None,
        sent_from=None,
        to_address=reply.to_address,
        cc=[],
        bcc=[],
        rfc_message_id=None,  # as of a reply
        in_reply_to=reply.in_reply_to,
        attachments=0,
        automatic=True,
        message=reply.message_id,
        files=(),
    )


def _asked(recorded: Recorded) -> Iterator[Entry]:
    at = recorded.occurred_at
    match recorded.event:
        case MailRequested() as wish:
            yield MailOut(at, wish.purpose, wish.to_address)
        case AddressMarked() as marked:
            yield AddressNote(at, marked.address, failure_words(marked.reason))
        case AddressUnmarked() as unmarked:
            yield AddressNote(at, unmarked.address, None)
        case SenderBlocked() as blocked:
            yield BlockNote(at, blocked.sender)
        case PersonNoteWritten() as note:
            yield NoteOn(at, note.note, note.text)
        case PersonTagged() as tagged:
            added, removed = list(tagged.added_names or ()), list(tagged.removed_names or ())
            yield TagsTold(at, None, added, removed)
        case DataRequested() as asked:
            yield Request(at, asked.request_id, asked.email, asked.phone, asked.due_at)
        case ErasureRequested() as asked:
            yield ErasureAsked(at, asked.email, asked.phone, asked.due_at)


def _details(told: CustomerChanged | CustomerImported, recorded: Recorded) -> Details:
    return Details(
        at=recorded.occurred_at,
        shopify_customer_id=told.shopify_customer_id,
        first_name=told.first_name,
        last_name=told.last_name,
        email=told.email,
        phone=told.phone,
        note=told.note,
        locale=told.locale,
        state=told.state,
        currency=told.currency,
        tags=told.tags if isinstance(told, CustomerImported) else None,
        created_at=told.created_at,
    )


def _order(order: OrderChanged, recorded: Recorded) -> Order:
    return Order(
        at=recorded.occurred_at,
        shopify_order_id=order.shopify_order_id,
        name=order.name,
        total_price=order.total_price,
        currency=order.currency,
        financial_status=order.financial_status,
        fulfillment_status=order.fulfillment_status,
        created_at=order.created_at,
        cancelled=order.cancelled,
        test=order.test,
        items=None if order.items is None else [dict(one) for one in order.items],
        item_count=order.item_count,
        tracking=None if order.tracking is None else [dict(one) for one in order.tracking],
        fulfillments=[dict(one) for one in order.fulfillments],
        refunds=[dict(one) for one in order.refunds],
    )


def _unsent(written: NoteWritten | AnswerRefused, recorded: Recorded) -> Written:
    return Written(
        at=recorded.occurred_at,
        direction="note",
        conversation=conversation_id(recorded.stream),
        subject="",
        text=written.text or "",
        from_name=None,
        from_address=None,
        sent_from=None,
        to_address=None,
        cc=(),
        bcc=(),
        rfc_message_id=None,
        in_reply_to=None,
        attachments=written.attachments if isinstance(written, AnswerRefused) else 0,
        automatic=False,
        message=written.message_id,
        files=(),
    )


def _received(mail: MessageReceived | MailSetAside, recorded: Recorded) -> Written:
    stream = recorded.stream
    return Written(
        at=recorded.occurred_at,
        direction="in",
        conversation=conversation_id(stream) if is_conversation(stream) else None,
        subject=mail.subject,
        text=mail.text,
        from_name=mail.from_name,
        from_address=mail.from_address,
        sent_from=mail.sent_from,
        to_address=None,
        cc=list(mail.cc or ()),
        bcc=[],
        rfc_message_id=mail.rfc_message_id,
        in_reply_to=None,
        attachments=mail.attachments,
        automatic=isinstance(mail, MessageReceived) and mail.automatic,
        message=mail.message_id,
        files=_files(mail.files),
    )


def _files(files: Sequence[StoredFile] | None) -> list[FileOf]:
    return [FileOf(one.id, one.name, one.content_type, one.size, one.cid) for one in files or ()]
