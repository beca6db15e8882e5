"""What the merchant's own mailboxes promise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.mailboxes import CODES_A_DAY, CODES_OF_A_SHOP, MOST, Mailboxes
from cplus.events.base import ERASED, AggregateEvent
from cplus.events.catalogue.conversations import AnswerRefusal
from cplus.events.catalogue.mailboxes import MailboxAdded
from cplus.mail.refusals import REFUSALS, refusal_words

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def given(*decisions: Callable[[Mailboxes], None]) -> Mailboxes:
    aggregate = Mailboxes.empty("mailboxes/acorn.myshopify.com")
    for decision in decisions:
        decision(aggregate)
    aggregate.collect_events()
    return aggregate


def added(m: Mailboxes, id_: str = "b1", now: datetime = NOW) -> None:
    m.add(mailbox=id_, person=f"person/{id_}", address=f"{id_}@merchant.example", now=now)


def verified(m: Mailboxes) -> None:
    m.verify("b1", number=1, now=NOW + HOUR)


def then(aggregate: Mailboxes) -> list[str]:
    return [e.TYPE for e in aggregate.collect_events() if isinstance(e, AggregateEvent)]


def test_an_address_that_is_added_is_asked_to_verify_itself_and_is_off() -> None:
    mailboxes = given()
    added(mailboxes)
    assert then(mailboxes) == ["mailbox.added", "mailbox.verification_asked"]
    assert not mailboxes.on


def test_a_code_verifies_once_and_a_repeat_changes_nothing() -> None:
    mailboxes = given(added)
    verified(mailboxes)
    assert then(mailboxes) == ["mailbox.verified"]
    assert list(mailboxes.on) == ["b1"]
    verified(mailboxes)
    assert then(mailboxes) == []


def test_a_code_expires_and_an_older_one_counts_no_more() -> None:
    mailboxes = given(added)
    with pytest.raises(InvalidInput):
        mailboxes.verify("b1", number=1, now=NOW + timedelta(hours=24))
    mailboxes.ask_again("b1", NOW + HOUR)
    with pytest.raises(InvalidInput):
        mailboxes.verify("b1", number=1, now=NOW + HOUR)
    mailboxes.verify("b1", number=2, now=NOW + HOUR)
    assert then(mailboxes) == ["mailbox.verification_asked", "mailbox.verified"]


def test_an_address_is_listed_once() -> None:
    mailboxes = given(added)
    with pytest.raises(InvalidInput, match="listed already"):
        mailboxes.add(mailbox="b2", person="person/b2", address="b1@merchant.example", now=NOW)
    added(mailboxes)  # the same command again
    assert then(mailboxes) == []


def test_there_are_ten_at_most() -> None:
    mailboxes = given(*[lambda m, n=n: added(m, f"b{n}") for n in range(MOST)])
    with pytest.raises(InvalidInput, match="up to 10"):
        added(mailboxes, "b99")


def test_nobody_can_write_to_a_stranger_as_often_as_they_like() -> None:
    mailboxes = given(added)
    for _ in range(CODES_A_DAY - 1):
        mailboxes.ask_again("b1", NOW + HOUR)
    with pytest.raises(InvalidInput, match="too many"):
        mailboxes.ask_again("b1", NOW + HOUR)
    mailboxes.ask_again("b1", NOW + 25 * HOUR)


def test_nor_to_many_out_of_one_shop() -> None:
    mailboxes = given()
    for number in range(CODES_OF_A_SHOP // 2):
        added(mailboxes, f"b{number}")
        mailboxes.ask_again(f"b{number}", NOW)
    with pytest.raises(InvalidInput, match="too many"):
        mailboxes.ask_again("b0", NOW + HOUR)
    mailboxes.ask_again("b0", NOW + timedelta(hours=24))


def test_one_that_fails_is_off_until_it_is_verified_again() -> None:
    mailboxes = given(added, verified)
    mailboxes.switch_off("b1", "bounced", NOW + HOUR)
    mailboxes.switch_off("b1", "bounced", NOW + HOUR)
    mailboxes.switch_off("b7", "bounced", NOW + HOUR)
    assert then(mailboxes) == ["mailbox.switched_off"]
    assert not mailboxes.on
    assert mailboxes.find("b1").off == "bounced"
    with pytest.raises(InvalidInput):
        verified(mailboxes)  # the code was used
    mailboxes.ask_again("b1", NOW + HOUR)
    mailboxes.verify("b1", number=2, now=NOW + HOUR)
    assert list(mailboxes.on) == ["b1"]


def test_what_is_removed_is_gone_and_removing_again_changes_nothing() -> None:
    mailboxes = given(added, verified)
    mailboxes.remove("b1", NOW)
    mailboxes.remove("b1", NOW)
    assert then(mailboxes) == ["mailbox.removed"]
    assert not mailboxes.by_id
    assert mailboxes.former["b1"].address == "b1@merchant.example"
    with pytest.raises(NotFound):
        mailboxes.ask_again("b1", NOW)


def test_an_uninstall_ends_all_of_them() -> None:
    mailboxes = given(added, verified, lambda m: added(m, "b2"))
    added(mailboxes, "b3", NOW + HOUR)
    mailboxes.collect_events()
    mailboxes.remove_all(NOW, NOW + HOUR)
    assert then(mailboxes) == ["mailbox.removed", "mailbox.removed"]
    assert list(mailboxes.by_id) == ["b3"]  # of the installation after that


@pytest.mark.parametrize("minutes", [None, 9, 1_441])
def test_a_wait_is_ten_minutes_to_a_day(minutes: int | None) -> None:
    mailboxes = given(added)
    with pytest.raises(InvalidInput):
        mailboxes.choose("b1", "unanswered", minutes=minutes, now=NOW)


@pytest.mark.parametrize("hour", [None, -1, 24])
def test_a_digest_has_an_hour_of_the_day(hour: int | None) -> None:
    mailboxes = given(added)
    with pytest.raises(InvalidInput):
        mailboxes.choose("b1", "digest", hour=hour, now=NOW)


def test_a_choice_keeps_only_what_it_needs_and_the_same_one_changes_nothing() -> None:
    mailboxes = given(added)
    mailboxes.choose("b1", "unanswered", minutes=30, hour=9, now=NOW)
    found = mailboxes.find("b1")
    assert (found.notify, found.minutes, found.hour) == ("unanswered", 30, None)
    mailboxes.choose("b1", "unanswered", minutes=30, now=NOW)
    assert then(mailboxes) == ["mailbox.notifications_chosen"]


def test_of_a_shop_that_was_erased_none_is_left() -> None:
    mailboxes = given(added, verified)
    again = Mailboxes.empty("mailboxes/acorn.myshopify.com")
    event = MailboxAdded(
        originator_id=again.id,
        originator_version=1,
        timestamp=NOW,
        mailbox="b1",
        person="person/b1",
        address=ERASED,
    )
    again.evolve(event)
    assert not again.by_id
    assert list(again.former) == list(mailboxes.by_id)


def test_there_are_words_for_each_reason_not_to_send_an_answer_on() -> None:
    assert REFUSALS.keys() == set(get_args(AnswerRefusal))
    assert refusal_words("of a later release") == "It could not be sent."


def test_who_adds_and_removes_an_address_sends_it_no_more_codes() -> None:
    mailboxes = given()
    for number in range(CODES_A_DAY):
        added(mailboxes, f"b{number}", NOW + HOUR)
        mailboxes.remove(f"b{number}", NOW + HOUR)
    with pytest.raises(InvalidInput, match="too many"):
        added(mailboxes, "b9", NOW + HOUR)
    added(mailboxes, "b9", NOW + 25 * HOUR)
    assert list(mailboxes.by_id) == ["b9"]


def test_who_called_our_mail_spam_is_sent_no_code_again() -> None:
    mailboxes = given(added)
    mailboxes.switch_off("b1", "bounced", NOW)
    mailboxes.switch_off("b1", "complained", NOW + HOUR)
    mailboxes.switch_off("b1", "bounced", NOW + HOUR)
    assert then(mailboxes) == ["mailbox.switched_off", "mailbox.switched_off"]
    for days in (0, 1, 31, 4_000):  # it never was the merchant's
        with pytest.raises(InvalidInput, match="marked as spam"):
            mailboxes.ask_again("b1", NOW + timedelta(days=days, hours=2))
    # Nor if it is removed and added anew.
    mailboxes.remove("b1", NOW + 2 * HOUR)
    with pytest.raises(InvalidInput, match="marked as spam"):
        mailboxes.add(
            mailbox="b2", person="person/b2", address="b1@merchant.example", now=NOW + 50 * HOUR
        )
    added(mailboxes, "b3", NOW + 50 * HOUR)


def test_a_merchant_who_called_it_spam_can_verify_their_address_a_month_later() -> None:
    mailboxes = given(added, verified)
    mailboxes.switch_off("b1", "complained", NOW + HOUR)
    with pytest.raises(InvalidInput, match="marked as spam"):
        mailboxes.ask_again("b1", NOW + timedelta(days=30))
    mailboxes.ask_again("b1", NOW + timedelta(days=30, hours=1))
    mailboxes.verify("b1", number=2, now=NOW + timedelta(days=30, hours=1))
    assert list(mailboxes.on) == ["b1"]
