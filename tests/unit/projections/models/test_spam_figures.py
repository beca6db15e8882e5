"""What is marked as spam counts in no figure, whatever came before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given as for_any
from hypothesis import settings
from hypothesis import strategies as st

from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import Recorded
from cplus.events.repository import decided
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.metrics import COUNTS, METRICS
from cplus.projections.queries.figures import figures_of, summed
from cplus.projections.testing import fold_all
from tests.unit.events.conversations_given import MAIL
from tests.unit.projections.models.told_events import NOW, recorded

STEPS = ("mail", "robot", "reply", "close", "spam", "unspam")


class Talks:
    """Conversations of one person, decided by the aggregate, and what is to be counted of them."""

    def __init__(self) -> None:
        self.talks: dict[str, Conversation] = {}
        self.events: list[Recorded] = []
        self.came: dict[str, Counter[tuple[str, str]]] = {}

    def do(self, name: str, step: str, hours: int) -> None:
        """One step in one conversation, which begins with its first."""
        now = NOW + timedelta(hours=hours)
        day = now.date().isoformat()
        if name not in self.talks:
            talk = self.talks[name] = Conversation.empty(f"conversation/{name}")
            talk.start(person="person/p", channel="email", subject="Tea", now=now)
            self.came[name] = Counter({("conversations", day): 1})
        talk, came = self.talks[name], self.came[name]
        mail: dict[str, Any] = {**MAIL, "message_id": f"m{len(self.events)}{name}"}
        match step:
            case "mail":
                talk.receive(now=now, **mail)
                came["messages_in", day] += 1
            case "robot":
                talk.receive(now=now, automatic=True, **mail)
                came["automatic_in", day] += 1
            case "reply" if talk.address:
                talk.reply(message_id=mail["message_id"], text="Yes", author="me", now=now)
            case "close":
                talk.close(now)
            case "spam":
                talk.mark_spam(now)
            case "unspam":
                talk.unmark_spam(now)
        number = len(self.events)
        for new in decided(talk):
            number += 1
            told = recorded(new.event, 0, number, new.stream, new.version)
            self.events.append(told._replace(occurred_at=new.occurred_at))

    @property
    def told(self) -> list[str]:
        """The conversations that are no spam."""
        return [name for name, talk in self.talks.items() if not talk.spam]


def sums_by_day(events: Sequence[Recorded]) -> dict[str, Any]:
    rows = fold_all(METRICS, tuple(events))
    return {key: row for key, row in rows.items() if key.startswith("day/") or key == "total"}


steps = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(STEPS), st.integers(0, 60)), max_size=14
)


@for_any(steps)
@settings(max_examples=120)
def test_figures_are_those_of_the_conversations_that_are_no_spam(
    doings: list[tuple[str, str, int]],
) -> None:
    made = Talks()
    hours = 0
    for name, step, more in doings:
        hours += more
        made.do(name, step, hours)
    sums = sums_by_day(made.events)
    expected = sum((made.came[name] for name in made.told), Counter[tuple[str, str]]())
    for count in ("conversations", "messages_in", "automatic_in"):
        found = {key[4:]: row[count] for key, row in sums.items() if key != "total" and row[count]}
        assert found == {day: many for (what, day), many in expected.items() if what == count}
    if made.events:
        assert sums["total"]["people"] == (1 if made.told else 0) or len(made.talks) > 1
        assert sums["total"]["people"] <= 1
    days = [row for key, row in sums.items() if key != "total"]
    for name in COUNTS:
        assert all(row[name] >= 0 for row in sums.values())
        assert sum(day[name] for day in days) == (sums["total"][name] if days else 0)
    for day in days:
        assert summed(figures_of(one) for one in day["quarters"].values()) == figures_of(day)


@for_any(steps)
@settings(max_examples=60)
def test_what_is_told_again_changes_nothing_and_spam_is_listed_as_nothing_else(
    doings: list[tuple[str, str, int]],
) -> None:
    made = Talks()
    for number, (name, step, _) in enumerate(doings):
        made.do(name, step, number)
    for projection in (METRICS, CONVERSATIONS):
        once = fold_all(projection, tuple(made.events))
        assert fold_all(projection, (*made.events, *made.events)) == once
    rows = fold_all(CONVERSATIONS, tuple(made.events))
    assert CONVERSATIONS.counts is not None
    counts = CONVERSATIONS.counts.of(rows)
    assert counts["conversations"] == len(made.told)
    assert counts["spam"] == len(made.talks) - len(made.told)
    for name, talk in made.talks.items():
        row = rows[name]
        assert (row.get("spam", False), row["open"]) == (talk.spam, talk.open)
        assert not (row["unanswered"] and talk.spam)


def test_a_program_that_writes_on_and_on_makes_no_row_too_large() -> None:
    made = Talks()
    for number in range(30):
        made.do("a", "mail", number)
    rows = fold_all(METRICS, tuple(made.events))
    came = rows["conversation/a"]["came"]
    assert sum(map(len, came.values())) == 30
    many = {
        f"2020-01-{day:02}": {str(q): {"messages_in": 1} for q in range(96)} for day in range(1, 22)
    }
    full = {**rows["conversation/a"], "came": many}
    made.do("a", "mail", 99)
    news = made.events[-1]
    day = {key: rows.get(key) for key in METRICS.keys(news)}
    assert METRICS.evolve_together is not None
    after = METRICS.evolve_together({**day, "conversation/a": full}, news)
    assert after["conversation/a"] is not None
    assert after["conversation/a"]["came"] == many
    total = after["total"]
    assert total is not None
    assert total["messages_in"] == 31
