"""What the sums of a day promise: each thing counts once, on its day, in whatever order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given as for_any
from hypothesis import settings
from hypothesis import strategies as st

from cplus.events.base import Event, Recorded
from cplus.events.catalogue.conversations import ConversationStarted
from cplus.events.catalogue.customers import CustomerChanged, CustomerImported, PersonsJoined
from cplus.events.catalogue.mail import (
    MailBounced,
    MailComplained,
    MailDelivered,
    MailRejected,
    MailSent,
)
from cplus.projections.base import Row
from cplus.projections.models.deliveries import DELIVERIES
from cplus.projections.models.metrics import COUNTS, EDGES, METRICS, quarter_of
from cplus.projections.queries.figures import (
    Day,
    Figures,
    every_day,
    figures_of,
    summed,
)
from cplus.projections.testing import fold_all, given
from tests.unit.projections.models.told_events import (
    CLOSED,
    DAY,
    FATES,
    NOW,
    REOPENED,
    STARTED,
    at,
    mail,
    moved,
    received,
    recorded,
    reply,
    thread,
)

TODAY, TOMORROW = "day/2026-11-01", "day/2026-11-02"


def sums(events: Sequence[Recorded], key: str) -> dict[str, Any]:
    """The counts of a day that are not 0."""
    row = fold_all(METRICS, tuple(events))[key]
    return {name: row[name] for name in COUNTS if row[name]}


def test_what_happened_counts_on_its_day_and_in_the_total() -> None:
    said = thread(STARTED, received("m1"), reply("m2"), CLOSED, REOPENED)
    events = [*said[:3], moved(said[3], DAY), moved(said[4], DAY)]
    first = {"conversations": 1, "people": 1, "messages_in": 1, "messages_out": 1}
    assert sums(events, TODAY) == first | {"first_answers": 1}
    assert sums(events, TOMORROW) == {"closed": 1, "reopened": 1}
    assert sums(events, "total") == sums(events, TODAY) | sums(events, TOMORROW)


def test_only_the_first_answer_to_a_person_tells_how_long_it_took() -> None:
    robot = received("m0", automatic=True)
    said = thread(STARTED, robot, reply("m1"), received("m2"), reply("m3"), reply("m4"))
    events = [*said[:4], moved(said[4], 4 + 10), moved(said[5], DAY)]
    row = fold_all(METRICS, tuple(events))["total"]
    assert (row["first_answers"], row["waited_ms"], row["longest_ms"]) == (1, 600_000, 600_000)
    assert row["buckets"] == [0, 0, 1] + [0] * 10
    assert (row["messages_in"], row["automatic_in"], row["messages_out"]) == (1, 1, 3)


def test_how_long_an_answer_took_falls_into_the_bucket_whose_edge_it_does_not_pass() -> None:
    said = thread(STARTED, received("m1"), reply("m2"))
    for minutes, bucket in {0: 0, 1: 0, 2: 1, 5: 1, DAY: 9, 7 * DAY: 11, 7 * DAY + 1: 12}.items():
        row = fold_all(METRICS, (*said[:2], moved(said[2], 2 + minutes)))["total"]
        assert row["buckets"].index(1) == bucket
    before = moved(said[2], -5)  # by a clock that is behind
    assert fold_all(METRICS, (*said[:2], before))["total"]["waited_ms"] == 0


def test_a_person_counts_with_their_first_conversation_only() -> None:
    again = ConversationStarted(
        originator_id="conversation/c2", originator_version=1, timestamp=NOW,
        person="person/a", channel="email", subject="A chair",
    )  # fmt: skip
    other = again.model_copy(update={"originator_id": "conversation/c3", "person": "person/b"})
    given(METRICS, *thread(STARTED), again, other).then(
        {
            "conversation/c1": {}, "conversation/c2": {}, "conversation/c3": {},
            "person/a": {}, "person/b": {}, "day/2026-11-01": {"conversations": 3, "people": 2},
            "total": {"conversations": 3, "people": 2},
        }
    )  # fmt: skip


def test_a_customer_counts_once_on_the_day_when_shopify_made_them() -> None:
    known: dict[str, Any] = {
        "shopify_customer_id": 7,
        "person": "person/a",
        "created_at": at(-40 * DAY),
    }
    told = [CustomerImported(**known), CustomerChanged(**known), CustomerChanged(**known)]
    unknown = CustomerChanged(shopify_customer_id=8, person="person/b")
    expected = {"customers": 1, "people": 0}
    given(METRICS, *told, unknown, PersonsJoined(person="person/a", absorbed="person/b")).then(
        {"customer/7": {}, "day/2026-09-22": expected, "total": expected}
    ).when_told_again().then_nothing_changed()


def test_each_fate_of_a_mail_counts_once_a_day() -> None:
    again = [moved(FATES[2], 99), moved(FATES[2], DAY)]
    told = {"sent": 1, "delivered": 1, "bounced": 1, "bounced_for_now": 1}
    assert sums([*FATES, *again], TODAY) == told | {"complained": 1, "rejected": 1}
    assert sums([*FATES, *again], TOMORROW) == {"delivered": 1}


def test_what_comes_again_counts_nothing() -> None:
    said = thread(STARTED, received("m1"), reply("m2"), CLOSED, received("m3"), REOPENED)
    given(METRICS, *said, *FATES).when_told_again().then_nothing_changed()
    given(DELIVERIES, *said, *FATES).when_told_again().then_nothing_changed()


def test_figures_tell_within_which_time_answers_came() -> None:
    assert Figures().within(0.5) is None
    assert Figures().mean_seconds is None
    buckets = (0, 4, 4, 1, 1, *[0] * 8)
    some = Figures(first_answers=10, waited_ms=6_000_000, longest_ms=2_400_000, buckets=buckets)
    assert (some.within(0.4), some.within(0.8), some.mean_seconds) == (300, 900, 600)
    assert some.within(0.5) == 450
    assert some.within(1) == 2_400
    slow = Figures(first_answers=2, longest_ms=10**9, buckets=(*[0] * 12, 2))
    assert slow.within(0.5) == (EDGES[-1] + 10**6) / 2
    alone = Figures(first_answers=1, longest_ms=10**9, buckets=(*[0] * 12, 1))
    assert alone.within(0.5) == alone.within(0.9) == 10**6


def test_figures_of_several_days_are_one() -> None:
    rows = fold_all(METRICS, tuple(thread(STARTED, received("m1"), reply("m2"))))
    one = figures_of(rows["total"])
    both = summed([one, one])
    assert (both.messages_in, both.waited_ms, both.longest_ms) == (2, 120_000, 60_000)
    assert both.buckets == (2, *[0] * 12)
    assert summed([]) == Figures()
    day = Day(NOW.date(), one)
    days = every_day([day], NOW.date() - timedelta(days=1), NOW.date() + timedelta(days=1))
    assert [found.figures for found in days] == [Figures(), one, Figures()]


def test_what_happened_counts_in_its_quarter_of_an_hour() -> None:
    said = thread(STARTED, received("m1"), reply("m2"), CLOSED)
    events = [*said[:2], moved(said[2], 16), moved(said[3], 44)]
    row = fold_all(METRICS, tuple(events))[TODAY]
    first = min(int(quarter) for quarter in row["quarters"])
    found = {int(number) - first: one for number, one in row["quarters"].items()}
    assert found[0] == {"conversations": 1, "people": 1, "messages_in": 1}
    waited = {"waited_ms": 14 * 60_000, "longest_ms": 14 * 60_000}
    assert found[1] == {"messages_out": 1, "first_answers": 1, **waited} | {
        "buckets": [0, 0, 1] + [0] * 10
    }
    assert found[2] == {"closed": 1}
    assert first == quarter_of(NOW)


def test_the_fate_of_a_mail_counts_in_the_earliest_quarter_that_was_told() -> None:
    early, late = moved(FATES[2], 31), moved(FATES[2], 90)
    for told in ([early, late], [late, early], [late, early, late, early]):
        row = fold_all(METRICS, tuple(told))[TODAY]
        assert list(row["quarters"].values()) == [{"delivered": 1}]
        assert int(next(iter(row["quarters"]))) == quarter_of(early.occurred_at)
        assert row["delivered"] == 1


# --- histories

persons = st.sampled_from(["person/a", "person/b"])


def customer(
    kind: type[CustomerChanged | CustomerImported], number: int, person: str, known: bool
) -> Event:
    """What Shopify tells of a customer, who was made `number` days ago."""
    created_at = at(-number * DAY) if known else None
    return kind(shopify_customer_id=number, person=person, created_at=created_at)


def of_mail(kind: type[Event], **more: Any) -> st.SearchStrategy[Event]:
    return st.builds(
        kind, message_id=st.sampled_from(["m2", "m9"]), conversation_id=st.just("c1"), **more
    )


facts = st.one_of(
    st.builds(
        customer,
        st.sampled_from([CustomerChanged, CustomerImported]),
        st.integers(1, 3),
        persons,
        st.booleans(),
    ),
    of_mail(MailSent, ses_message_id=st.sampled_from(["s1", "s2"])),
    of_mail(MailDelivered),
    of_mail(MailBounced, permanent=st.booleans(), reason=st.sampled_from(["one", "two"])),
    of_mail(MailComplained),
    of_mail(MailRejected, reason=st.just("Bad content")),
)
times = st.sampled_from([0, 1, 2, DAY, DAY + 1])


@for_any(
    st.lists(st.tuples(facts, times), max_size=12),
    st.lists(st.sampled_from([CLOSED, REOPENED, received("m3"), reply("m2")]), max_size=5),
    st.randoms(use_true_random=False),
)
@settings(max_examples=150)
def test_facts_in_any_order_and_any_number_make_the_same_rows(
    told: list[tuple[Event, int]], talk: list[Any], chance: random.Random
) -> None:
    # The stream keeps its order, as it has versions; what is told from outside has none.
    stream = thread(STARTED, received("m1"), *talk)
    events = [recorded(event, when, number) for number, (event, when) in enumerate(told, start=1)]
    shuffled = [*events, *chance.sample(events, chance.randint(0, len(events)))]
    chance.shuffle(shuffled)
    mixed = list(stream)
    for event in shuffled:
        mixed.insert(chance.randint(0, len(mixed)), event)
    for projection in (METRICS, DELIVERIES):
        histories = ([*stream, *events], mixed, [*mixed, *mixed])
        rows = [fold_all(projection, tuple(history)) for history in histories]
        assert rows[0] == rows[1] == rows[2]


@for_any(st.lists(st.tuples(facts, times), max_size=10))
@settings(max_examples=60)
def test_the_total_is_the_sum_over_all_days(told: list[tuple[Event, int]]) -> None:
    events = [recorded(event, when, number) for number, (event, when) in enumerate(told, start=1)]
    rows = fold_all(METRICS, (*thread(STARTED, received("m1"), reply("m2")), *events))
    days = [row for key, row in rows.items() if key.startswith("day/")]
    for name in (*COUNTS, "waited_ms"):
        assert rows["total"][name] == sum(day[name] for day in days)
    assert rows["total"]["longest_ms"] == max(day["longest_ms"] for day in days)
    for day in days:
        quarters = [figures_of(one) for one in day["quarters"].values()]
        assert summed(quarters) == figures_of(day), "a day is the sum over its quarters"


# --- deliveries


def delivery(*events: Recorded) -> Row:
    return fold_all(DELIVERIES, events)["m2"]


def test_a_delivery_tells_every_fate_and_the_furthest_is_its_status() -> None:
    wish = thread(STARTED, received("m1"), reply("m2"))[2]
    row = delivery(wish)
    assert (row["status"], row["state"], row["written_at"]) == ("written", "under_way", at(3))
    row = delivery(wish, *FATES[:4])
    assert (row["status"], row["state"]) == ("delivered", "arrived")
    assert (row["sent_at"], row["delivered_at"], row["bounced_for_now_at"]) == (
        at(21), at(23), at(24),
    )  # fmt: skip
    row = delivery(wish, *FATES[:5])
    assert (row["status"], row["state"], row["reason"]) == (
        "bounced",
        "failed",
        "Permanent/General",
    )
    assert row["person"] == "person/a"


def test_a_fate_told_before_the_wish_waits_without_a_state() -> None:
    wish = thread(STARTED, received("m1"), reply("m2"))[2]
    assert delivery(FATES[2])["state"] is None
    assert delivery(FATES[2], wish) == delivery(wish, FATES[2])
    late = mail(MailDelivered, 30)._replace(occurred_at=at(23) - timedelta(seconds=1))
    assert delivery(wish, FATES[2], late)["delivered_at"] == late.occurred_at
