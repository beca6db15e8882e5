"""What a conversation decides of a reply that did not arrive: given, when, then."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates import failed_delivery
from cplus.events.aggregates.addresses import Addresses
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.catalogue.conversations import ReplyWritten
from tests.unit.events.conversations_given import NOW, closed, given, received, started, then

ADA = "ada@shopper.example"


def replied(c: Conversation, message_id: str = "r1") -> None:
    c.reply(message_id=message_id, text="Yes", author="merchant", now=NOW)


def failed(c: Conversation, message_id: str = "r1", **more: Any) -> None:
    told = {"person": "person/p", "address": ADA, "reason": "address_unknown", **more}
    failed_delivery.fail(c, message_id=message_id, now=NOW, **told)


def written(c: Conversation, message_id: str = "r1", **more: Any) -> ReplyWritten:
    return ReplyWritten(
        originator_id=c.id, originator_version=3, timestamp=NOW, message_id=message_id,
        person="person/p", to_address=ADA, subject="Sizes", text="Yes", author="merchant", **more,
    )  # fmt: skip


def resent(
    c: Conversation, message_id: str = "r2", to: tuple[str, str] | None = None, told: str = "r1"
) -> None:
    reply = written(c, cc=("bob@example.com",))
    failed_delivery.resend(
        c, failed=reply, told=told, message_id=message_id, to=to, author="merchant", now=NOW
    )


TALK = (started, received, replied)


def test_it_reopens_a_closed_conversation_once() -> None:
    conversation = given(*TALK, closed)
    failed(conversation)
    failed(conversation, reason="complained")
    assert then(conversation) == ["conversation.delivery_failed", "conversation.reopened"]
    assert conversation.failed == {"r1"}


def test_of_spam_it_is_told_and_opens_the_conversation_once_that_is_taken_back() -> None:
    conversation = given(*TALK, closed, partial(Conversation.mark_spam, now=NOW))
    failed(conversation)
    assert then(conversation) == ["conversation.delivery_failed"]
    conversation.unmark_spam(NOW)
    assert then(conversation) == ["conversation.unmarked_spam", "conversation.reopened"]
    assert conversation.failed == {"r1"}


def test_of_what_nobody_wrote_nothing_is_told() -> None:
    conversation = given(*TALK)
    failed(conversation, "another")
    assert then(conversation) == []


def test_any_reply_says_that_the_merchant_looked_after_it() -> None:
    conversation = given(*TALK, failed, partial(replied, message_id="r9"))
    assert conversation.failed == set()
    failed_delivery.dismiss(conversation, failure="r1", now=NOW)
    assert then(conversation) == []


def test_dismissed_or_delivered_it_is_settled_once() -> None:
    settling = (
        partial(failed_delivery.dismiss, failure="r1"),
        partial(failed_delivery.arrive, message_id="r1"),
    )
    for settle in settling:
        conversation = given(*TALK, failed)
        for _ in range(2):
            settle(conversation, now=NOW)
        assert then(conversation) == ["conversation.delivery_failure_settled"]
    conversation = given(*TALK)
    failed_delivery.arrive(conversation, message_id="r1", now=NOW)
    assert then(conversation) == []
    with pytest.raises(NotFound):
        failed_delivery.dismiss(conversation, failure="r1", now=NOW)


def test_resent_it_goes_to_where_it_failed_and_to_nobody_twice() -> None:
    conversation = given(*TALK, failed, closed)
    resent(conversation)
    resent(conversation)
    [again, _] = conversation.collect_events()
    assert isinstance(again, ReplyWritten)
    assert (again.to_address, again.cc, again.resends, again.text) == (ADA, None, "r1", "Yes")
    assert conversation.open
    assert conversation.failed == set()


def test_to_another_address_replies_go_there_from_now_on_unless_a_copy_failed() -> None:
    conversation = given(*TALK, failed)
    resent(conversation, to=("person/q", "ada@example.org"))
    assert (conversation.address, conversation.answers_to) == ("ada@example.org", "person/q")
    conversation = given(*TALK, partial(failed, address="bob@example.com"))
    resent(conversation, to=("person/q", "bob@example.org"))
    assert conversation.address == ADA


def test_what_is_settled_or_was_called_spam_is_not_sent_there_again() -> None:
    conversation = given(*TALK, failed, resent)
    with pytest.raises(InvalidInput, match="already sent again"):
        resent(conversation, "r3")
    conversation = given(*TALK, partial(failed, reason="complained"))
    with pytest.raises(InvalidInput, match="marked as spam"):
        resent(conversation)
    resent(conversation, to=("person/q", "ada@example.org"))
    assert then(conversation) == ["conversation.reply_written"]
    with pytest.raises(NotFound):
        resent(given(*TALK))


def test_an_address_is_marked_once_in_any_letters_and_unmarked_once() -> None:
    addresses = Addresses.empty("addresses/p")
    told: dict[str, Any] = {"person": "person/p", "now": NOW}
    for address in (ADA, ADA.upper()):
        addresses.mark(address=address, reason="address_unknown", message_id="r1", **told)
    assert addresses.reason("Ada@Shopper.example") == "address_unknown"
    assert addresses.reason("bob@example.com") is None
    for _ in range(2):
        addresses.unmark(address=ADA, **told)
    assert addresses.reason(ADA) is None
    types = [event.TYPE for event in addresses.collect_events()]  # type: ignore[attr-defined]
    assert types == ["address.marked", "address.unmarked"]


def test_each_address_that_it_did_not_reach_is_told_and_sent_to_by_itself() -> None:
    conversation = given(*TALK, partial(failed, address="bob@example.com"), failed, failed)
    assert conversation.failed == {"r1", "r1~2"}
    resent(conversation, "r2")
    [again] = conversation.collect_events()
    assert getattr(again, "to_address", None) == "bob@example.com"
    assert conversation.failed == {"r1~2"}, "the customer still has no reply"
    resent(conversation, "r3", told="r1~2")
    assert conversation.failed == set()
    with pytest.raises(InvalidInput, match="already sent again"):
        resent(conversation, "r4", told="r1~2")


def test_dismissed_at_one_address_it_still_waits_for_the_other() -> None:
    conversation = given(*TALK, partial(failed, address="bob@example.com"), failed)
    failed_delivery.dismiss(conversation, failure="r1", now=NOW)
    assert conversation.failed == {"r1~2"}
    with pytest.raises(NotFound):
        failed_delivery.dismiss(conversation, failure="r1~3", now=NOW)
