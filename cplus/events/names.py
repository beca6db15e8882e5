"""The names that the log stores: streams, sequences, claims and refs. Stored names never
change: a function here must always return the same name for the same values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

_CONVERSATION: Final = "conversation/"
_PERSON: Final = "person/"
_RECEIVED: Final = "received/"


# Streams. Each is also a ref of the commits that have events in it.


def conversation_stream(conversation_id: str) -> str:
    """The conversation with this id."""
    return f"{_CONVERSATION}{conversation_id}"


def is_conversation(name: str) -> bool:
    """Whether a stream, ref or version claim belongs to a conversation."""
    return name.startswith(_CONVERSATION)


def conversation_id(stream: str) -> str:
    """The id of the conversation whose stream it is."""
    return stream.removeprefix(_CONVERSATION)


def person(person_id: str) -> str:
    """The person with this random id."""
    return f"{_PERSON}{person_id}"


def person_id(name: str) -> str:
    """The id of the person with this name."""
    return name.removeprefix(_PERSON)


def is_person(name: str) -> bool:
    """Whether a name is that of a person."""
    return name.startswith(_PERSON)


def customer_stream(shopify_id: int) -> str:
    """Shopify's facts about a customer."""
    return f"customer/{shopify_id}"


def order_stream(shopify_id: int) -> str:
    """Shopify's facts about an order."""
    return f"order/{shopify_id}"


def shop_stream(shop: str) -> str:
    """The shop itself: installs, its profile."""
    return f"shop/{shop}"


def mailboxes_stream(shop: str) -> str:
    """The merchant's own mailboxes."""
    return f"mailboxes/{shop}"


def setup_stream(shop: str) -> str:
    """The merchant's first steps in the app."""
    return f"setup/{shop}"


def blocked_stream(shop: str) -> str:
    """The senders that the merchant blocked."""
    return f"blocked/{shop}"


def settings_stream(shop: str) -> str:
    """What the merchant set for the shop's mail."""
    return f"settings/{shop}"


def team_stream(shop: str) -> str:
    """Who works in the shop, and in which role."""
    return f"team/{shop}"


def segments_stream(shop: str) -> str:
    """The segments of customers that the merchant saved."""
    return f"segments/{shop}"


def saved_replies_stream(shop: str) -> str:
    """The replies that the shop's staff keeps to use again."""
    return f"saved_replies/{shop}"


def billing_stream(shop: str) -> str:
    """What the shop pays for the app."""
    return f"billing/{shop}"


def import_stream(import_id: str) -> str:
    """One import of the shop's customers."""
    return f"import/{import_id}"


def install_import(event_id: str) -> str:
    """The id of the import that an install starts, derived from the id of its event: queueing it
    twice still makes one import."""
    return event_id.replace("/", "-")


def mail_stream(message_id: str) -> str:
    """What became of a mail: of one that we sent, or of one that came in and was set aside."""
    return f"mail/{message_id}"


def addresses_stream(person_name: str) -> str:
    """The addresses of a person that mail is not sent to."""
    return f"addresses/{person_name.removeprefix(_PERSON)}"


def merge_stream(one: str, other: str) -> str:
    """Whether two persons are one, as the merchant says."""
    small, large = sorted((person_id(one), person_id(other)))
    return f"merge/{small}+{large}"


def notes_stream(person_name: str) -> str:
    """The notes of the shop on a person."""
    return f"notes/{person_name.removeprefix(_PERSON)}"


def tags_stream(person_name: str) -> str:
    """The tags that the shop put on a person."""
    return f"tags/{person_name.removeprefix(_PERSON)}"


def look_stream(look_id: str) -> str:
    """A look of an operator at personal data."""
    return f"look/{look_id}"


def data_request_stream(request_id: int) -> str:
    """A customer's request for their data, by Shopify's number of it."""
    return f"data-request/{request_id}"


def erasure_stream(erasure: str) -> str:
    """The erasure of a person, by its id."""
    return f"erasure/{erasure}"


def erasure_of_webhook(topic: str, webhook_id: str) -> str:
    """The id of the erasure that a webhook asks for, however often Shopify delivers it. Of two
    topics it is never the same: who is to be erased differs, and neither header is signed."""
    return hashlib.sha256(f"{topic}/{webhook_id}".encode()).hexdigest()[:32]


def asking_person(request_id: int) -> str:
    """Who asks for their data, if Shopify names them by neither id nor address."""
    return f"{_PERSON}request{request_id}"


def erasing_person(erasure: str) -> str:
    """Who is to be erased, if Shopify names them by neither id nor address."""
    return f"{_PERSON}erasure{erasure}"


def contact_sequence(person_name: str) -> str:
    """The sequence that numbers the conversations of a person."""
    return f"contact/{person_name.removeprefix(_PERSON)}"


def received_sequence(hashed: str) -> str:
    """The sequence of the mail with this keyed hash: number 1 however often it comes, and 2 where
    it went into a conversation after a copy of it was set aside."""
    return f"{_RECEIVED}{hashed}"


def is_received(claim: str) -> bool:
    """Whether the claim is a place in the sequence of a mail."""
    return claim.startswith(_RECEIVED)


# Claims: each may be made once per shop.


def version_claim(stream: str, version: int) -> str:
    """The claim on version `version` of `stream`; padded, so that claims sort like versions."""
    return f"{stream}@{version:010d}"


def claimed_stream(claim: str) -> str:
    """The stream or sequence of which the claim holds a version."""
    return claim.partition("@")[0]


def webhook_claim(topic: str, webhook_id: str) -> str:
    """The webhook, however often Shopify delivers it."""
    return f"webhook/{topic}/{webhook_id}"


def translated_again_claim(claim: str) -> str:
    """The webhook that was recorded under a claim, translated once more."""
    return f"again/{claim}"


def received_mail_claim(ses_message_id: str) -> str:
    """A mail that SES received."""
    return f"mail/{ses_message_id}"


def install_claim(code: str) -> str:
    """The install to which Shopify gave this code, which itself never enters the log."""
    return f"install/{hashlib.sha256(code.encode()).hexdigest()}"


def import_page_claim(import_id: str, page: int) -> str:
    """Page `page` of an import, from 1."""
    return f"import/{import_id}/{page}"


def import_page(claim: str) -> int:
    """The page whose claim it is."""
    return int(claim.rpartition("/")[2])


def import_of_page(claim: str) -> str:
    """The id of the import whose page claims it."""
    return claim.removeprefix("import/").rpartition("/")[0]


def reconciliation_claim(day: str, part: str, behind: int) -> str:
    """What a day's reconciliation found among customers or orders (`part`) above that id."""
    return f"reconciliation/{day}/{part}/{behind}"


def reconciled_claim(day: str) -> str:
    """That a day's reconciliation came to its end."""
    return f"reconciliation/{day}"


def taken_up_claim(message_id: str) -> str:
    """That a conversation was made of this mail."""
    return f"taken-up/{message_id}"


def reply_claim(form_key: str) -> str:
    """A reply that a merchant wrote in the form with this key."""
    return f"reply/{form_key}"


def withdrawn_claim(message_id: str) -> str:
    """That the merchant took back this reply before it was sent."""
    return f"withdrawn/{message_id}"


def command_claim(form_key: str) -> str:
    """A command that a merchant sent with the form with this key."""
    return f"command/{form_key}"


def woken_claim(conversation_id: str, version: str) -> str:
    """The end of what put the conversation off at that version of its stream, when its moment
    comes."""
    return f"woken/{conversation_id}/{version}"


def sent_claim(message_id: str, ses_message_id: str) -> str:
    """That SES accepted this mail under this id; recorded once, by the sender or by SES's event."""
    return f"sent/{message_id}/{ses_message_id}"


def rejected_claim(message_id: str) -> str:
    """That this mail was refused for good before it was sent."""
    return f"rejected/{message_id}"


def mail_event_claim(message_id: str, kind: str, mark: str) -> str:
    """An SES event about a sent mail; `mark` distinguishes two events of one kind."""
    return f"mail-event/{message_id}/{kind}/{mark}"


def erasure_claim(erasure: str, step: str) -> str:
    """A step of an erasure, by its id."""
    return f"erasure/{erasure}/{step}"


def counted_claim(event_id: str) -> str:
    """That the event was counted against the shop's plan."""
    return f"counted/{event_id}"


def export_claim(export_id: str) -> str:
    """An export of what is kept about a person."""
    return f"export/{export_id}"


def mail_claim(purpose: str, what: str) -> str:
    """That a mail of this purpose is to go because of `what`: each is requested once."""
    return f"mail/{purpose}/{what}"


def mailbox_failed_claim(message_id: str) -> str:
    """That a mailbox of the merchant is off because of what became of this mail."""
    return f"mailbox-failed/{message_id}"


def mailboxes_ended_claim(event_id: str) -> str:
    """That the merchant's mailboxes ended with the event that removed the app."""
    return f"mailboxes-ended/{event_id}"


def auto_reply_ref(person_name: str) -> str:
    """Every automatic reply to this person."""
    return f"auto-reply/{person_id(person_name)}"


def auto_replies_ref(hour: str) -> str:
    """Every automatic reply of that hour of UTC, for example `2026-12-01T09`."""
    return f"auto-replies/{hour}"


def notifications_ref(hour: str) -> str:
    """Every notification to the merchant's own mailboxes that was requested in that hour."""
    return f"notifications/{hour}"


def begun_ref(hour: str) -> str:
    """Every conversation that the merchant began in that hour."""
    return f"begun/{hour}"


def notice_claim(request_id: int, kind: str) -> str:
    """That the merchant is to get this mail about a customer's request for their data."""
    return f"notice/{request_id}/{kind}"


def look_claim(look_id: str) -> str:
    """A look of an operator at personal data."""
    return f"look/{look_id}"


# Refs: other names to find a commit by.

INSTALLED_REF: Final = "app/installed"
"""Of every commit that installs the app."""

SHOP_ERASED_REF: Final = "shop/erased"
"""Of every commit that erases the shop."""

RECONCILED_REF: Final = "shop/reconciled"
"""Of every commit with which a reconciliation ends."""

RETENTION_REF: Final = "privacy/retention"
"""Of every decision for how long people are kept who only wrote."""

LOOKED_REF: Final = "operator/looked"
"""Of every look of an operator at personal data."""


def correlation_ref(correlation_id: str) -> str:
    """Every commit of one correlation."""
    return f"correlation/{correlation_id}"


def bulk_operation_ref(gid: str) -> str:
    """The commit that says that this bulk operation of Shopify runs, by its global id."""
    return f"bulk-operation/{gid.rpartition('/')[2]}"


def delivery_ref(delivery: str) -> str:
    """The delivery that brought a webhook."""
    return f"delivery/{delivery}"


def mail_test_ref(code: str) -> str:
    """Every commit about the test with this code."""
    return f"mail-test/{code}"


def message_ref(message_id: str) -> str:
    """Every commit about a message, received or written."""
    return f"message/{message_id}"


def about_refs(about: Mapping[str, str]) -> list[str]:
    """What a mail is about, from ids by what they name: their streams, or `message/<id>`."""
    return [f"{what}/{id_}" for what, id_ in about.items()]


def started_ref(month: str) -> str:
    """Every commit that starts a conversation in that month of UTC, or says then of one that had
    given its place back that it is no spam."""
    return f"started/{month}"


def given_back_ref(month: str) -> str:
    """Every commit that marks a conversation as spam which counted in that month of UTC."""
    return f"given-back/{month}"


def rfc_ref(hashed: str) -> str:
    """The mail with the Message-ID whose keyed hash this is."""
    return f"rfc/{hashed}"


DELIVERY_REF: Final = delivery_ref("")
"""Prefix of the refs that are about a delivery and not about its events."""


def failure_id(message_id: str, number: int) -> str:
    """The id of what is told of a mail that did not arrive somewhere, counted from 1: the first has
    the message's own."""
    return message_id if number == 1 else f"{message_id}~{number}"


def failed_message(failure: str) -> str:
    """The id of the message of which that was told."""
    return failure.partition("~")[0]
