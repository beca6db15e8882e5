"""Rows of people who were erased: nothing of them is left, and a rebuild makes the same rows."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cplus.events.base import ERASED, Event, Recorded
from cplus.events.catalogue.mail import MailTakenUp
from cplus.events.catalogue.privacy import DataRequested, PersonErased, PersonExported
from cplus.projections.base import Projection, Row
from cplus.projections.groups import ALL
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.data_requests import DATA_REQUESTS
from cplus.projections.models.message_words import MESSAGE_WORDS
from cplus.projections.models.messages import MESSAGES
from cplus.projections.models.orders import ORDERS
from cplus.projections.models.set_aside import SET_ASIDE
from tests.samples import MAIL_ASIDE
from tests.unit.projections.models.told_events import (
    FATES,
    NOW,
    STARTED,
    changed,
    facts_of_shopify,
    fold,
    imported,
    joined,
    moved_to,
    received,
    recorded,
    reply,
    sent,
    thread,
)

ADA = "person/a"
MOVED = moved_to("m1", person=ADA, name="Ada", address="ada@example.com")
ASKED = DataRequested(
    request_id=7, person=ADA, email="ada@example.com", phone="+4915112345", due_at=NOW
)
OPENING = [one for one in ALL if one.opens]
WORDS = ("ada", "lamp", "hello", "blue", "+49")

talked = st.lists(
    st.sampled_from(
        [
            received("m1", sent_from="ada@example.org", proved=True),
            received("m3", person="person/b", from_name="Bea", text="I am Bea"),
            received("m4", proved=False, automatic=True),
            reply("m2"),
            MOVED,
        ]
    ),
    max_size=6,
)
facts = st.lists(
    st.one_of(
        facts_of_shopify,
        st.sampled_from(
            [
                ASKED,
                PersonExported(person=ADA, request_id=7, format="html"),
                MAIL_ASIDE.model_copy(update={"message_id": "m8"}),
                MailTakenUp(message_id="m8", conversation_id="c1"),
                changed(1, 1, phone="+4915112345").event,
                imported(1, 1, first_name="Ada").event,
                sent(1, 1).event,
                sent(1, 1, person="person/b").event,
                sent(1, 1, person=None, items=None, tracking=None).event,
            ]
        ),
    ),
    max_size=6,
)


def history(said: list[tuple[Any, dict[str, Any]]], told: list[Event]) -> list[Recorded]:
    """A conversation and facts, numbered as a log does."""
    events = thread(STARTED, *said) + FATES + [recorded(event, 3, 1, "fact/1") for event in told]
    return [one._replace(number=n, id=f"id{n:05d}/0") for n, one in enumerate(events, start=1)]


def erased(person: str = ADA, number: int = 500) -> Recorded:
    """The erasure of the person, as it names what the history has of them."""
    event = PersonErased(
        erasure="e1",
        person=person,
        conversations=("c1",),
        messages=("m1", "m2", "m4", "m8"),
        requests=(7,),
        orders=(7,),
    )
    return recorded(event, number, number, person)


def without_key(one: Recorded, person: str = ADA) -> Recorded:
    """The event as it is read once the key of the person is destroyed."""
    if getattr(one.event, "person", None) != person:
        return one
    return one._replace(event=one.event.model_copy(update=dict(one.event.ERASED_FIELDS)))


@given(talked, facts, facts)
def test_rows_that_were_folded_before_an_erasure_are_those_of_a_rebuild(
    said: list[tuple[Any, dict[str, Any]]], told: list[Event], late: list[Event]
) -> None:
    before = history(said, told)
    after = [
        without_key(recorded(event, 4, n, "fact/2")) for n, event in enumerate(late, start=501)
    ]
    for projection in OPENING:
        folded = fold(projection, [*before, erased(), *after])
        rebuilt = fold(projection, [*map(without_key, before), erased(), *after])
        assert folded == rebuilt, projection.name


def words_in(rows: dict[str, Row]) -> list[str]:
    shown = str(list(rows.values())).lower()
    return [word for word in WORDS if word in shown]


def test_no_row_holds_a_word_of_who_was_erased() -> None:
    said = [received("m1", "Hello, a lamp", sent_from="ada@example.org"), reply("m2"), MOVED]
    mail = MAIL_ASIDE.model_copy(update={"message_id": "m8"})
    told = [ASKED, mail, changed(1, 1, first_name="Ada").event, imported(1, 2, note="lamp").event]
    told.append(sent(1, 1).event)
    events = history(said, told)
    for projection in OPENING:
        assert words_in(fold(projection, events)), projection.name
        assert words_in(fold(projection, [*events, erased()])) == [], projection.name


def test_every_fold_that_opens_personal_fields_knows_what_to_do_once_they_are_erased() -> None:
    assert [one.name for one in OPENING if PersonErased not in one.handles] == []
    assert {one.name for one in OPENING} == {
        one.name
        for one in (
            *(CONVERSATIONS, CUSTOMERS, DATA_REQUESTS, MESSAGES, MESSAGE_WORDS, ORDERS),
            SET_ASIDE,
        )
    }


def rows_of(projection: Projection, *events: Recorded) -> dict[str, Row]:
    return fold(projection, events)


def test_a_thread_keeps_the_words_of_others() -> None:
    said = [received("m1"), received("m3", person="person/b", text="I am Bea"), reply("m2")]
    rows = rows_of(MESSAGES, *history(said, []), erased())
    assert {key: row["text"] for key, row in rows.items()} == {
        "m1": ERASED,
        "m2": ERASED,
        "m3": "I am Bea",
    }
    assert rows["m3"]["from_address"] == "ada@example.com"


def test_a_conversation_says_that_who_started_it_was_erased() -> None:
    talk = history([received("m1"), reply("m2")], [])
    [row] = rows_of(CONVERSATIONS, *talk, erased()).values()
    assert (row["erased"], row["subject"], row["snippet"]) == (True, ERASED, ERASED)
    assert (row["open"], row["unanswered"], row["closed_at"]) == (
        False,
        False,
        erased().occurred_at,
    )
    [of_other] = rows_of(CONVERSATIONS, *talk, erased("person/b")).values()
    assert ("erased" in of_other, of_other["subject"]) == (False, "A lamp")


def test_who_was_erased_is_in_no_list_and_stays_so_whatever_comes_late() -> None:
    late = changed(501, 600, email="ada@example.com")
    row = rows_of(CUSTOMERS, changed(1, 1), erased(), late)[ADA]
    assert (row["erased"], row["lists"], row["accounts"]) == (True, [], {})


def test_a_person_who_was_erased_stays_linked_with_their_other_ids() -> None:
    rows = rows_of(
        CUSTOMERS, changed(1, 1), joined(2, ADA, "person/b"), erased(), erased("person/b", 501)
    )
    assert rows["person/b"]["merged_into"] == [ADA]
    counts = CUSTOMERS.counts
    assert counts is not None
    assert counts.of(rows) == {"customers": 0, "leads": 0}


def test_a_mail_that_started_nothing_is_gone_with_who_wrote_it() -> None:
    came = recorded(MAIL_ASIDE, 1, 1, "mail/m1")
    assert rows_of(SET_ASIDE, came, erased()) == {}


def test_a_request_says_that_it_can_be_answered_no_more() -> None:
    row = rows_of(DATA_REQUESTS, recorded(ASKED, 1, 1, "data-request/7"), erased())["7"]
    assert (row["erased"], row["email"], row["phone"]) == (True, None, None)
    assert row["due_at"] == NOW
