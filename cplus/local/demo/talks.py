"""Generates the conversations of one shop from a random seed."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from cplus.local.demo import words
from cplus.local.demo.payloads import Person
from cplus.local.demo.plan import Step, StepKind, Stray, Talk, Webhook

_SHAPES: Final[tuple[tuple[tuple[StepKind, ...], int], ...]] = (
    ((), 22),
    (("answer",), 33),
    (("answer", "reply"), 15),
    (("answer", "reply", "answer"), 10),
    (("form", "answer"), 6),  # asked again before the answer came: the same conversation
    (("answer", "close"), 8),
    (("answer", "close", "reply"), 6),
)


class People(Protocol):
    """Invents people."""

    def one(self) -> Person:
        """A new person."""


@dataclass(frozen=True)
class Joined:
    """A customer who writes from an address that Shopify learns of later: two persons who turn
    out to be one."""

    person: Person
    webhook: Webhook
    note: str

    @property
    def address(self) -> str:
        """The address that Shopify learns."""
        return str(self.webhook.payload["email"])


class TalkMaker:
    """Makes the talks of a shop."""

    def __init__(
        self,
        chance: random.Random,
        host: str,
        trade: words.Trade,
        people: People,
        name: str,
    ) -> None:
        self._chance = chance
        self._host = host
        self._trade = trade
        self._people = people
        self._name = name
        self._mails = 0

    def make(
        self, count: int, writers: Sequence[Person], joins: Sequence[Joined]
    ) -> tuple[tuple[Talk, ...], tuple[Stray, ...]]:
        """`count` talks, and mails that start none."""
        customers = iter(self._chance.sample(writers, len(writers)))
        talks: list[Talk] = []
        for special in self._specials(joins):
            if len(talks) < count:
                talks.append(special)
        while len(talks) < count:
            talks.append(self._usual(customers))
            again = talks[-1]
            if again.steps[0].kind == "mail" and len(talks) < count and self._chance.random() < 0.2:
                talks.append(self._another(again))
        strays = (self._stray("away"), self._stray("spam")) if count else ()
        return tuple(talks), strays

    def _specials(self, joins: Sequence[Joined]) -> Iterator[Talk]:
        for joined in joins:
            if joined is joins[0]:
                yield self._joined(joined)
        yield self._simulated("bounce", ("form", "answer", "report"))
        yield self._lead(("form", "answer", "away"))
        for joined in joins[1:]:
            yield self._joined(joined)
        yield self._simulated("complaint", ("form", "answer"))
        yield self._lead(("form", "form", "answer"))

    def _joined(self, joined: Joined) -> Talk:
        kinds: tuple[StepKind, ...] = ("form", "webhook", "answer", "reply")
        return self._talk(joined.person.name, joined.address, kinds, webhook=joined.webhook)

    def _simulated(self, what: str, kinds: tuple[StepKind, ...]) -> Talk:
        """To such an address SES's mailbox simulator bounces or complains."""
        person = self._people.one()
        return self._talk(person.name, f"{what}+{person.email}", kinds)

    def _lead(self, kinds: tuple[StepKind, ...]) -> Talk:
        person = self._people.one()
        return self._talk(person.name, person.email, kinds)

    def _usual(self, customers: Iterator[Person]) -> Talk:
        shapes, weights = zip(*_SHAPES, strict=True)
        rest = self._chance.choices(shapes, weights)[0]
        person = next(customers, None) if self._chance.random() < 0.5 else None
        begins: StepKind = "form" if self._chance.random() < 0.7 else "mail"
        if "form" in rest:
            # Only who is nobody else yet: while the import may still find out that somebody is
            # two persons, which conversation is theirs is a matter of order.
            person, begins = None, "form"
        if person is None:
            return self._lead((begins, *rest))
        return self._talk(person.name, person.email, (begins, *rest))

    def _another(self, first: Talk) -> Talk:
        """A plain mail always begins a conversation, also of somebody who has one."""
        while (talk := self._talk(first.name, first.address, ("mail",))).subject == first.subject:
            pass
        return talk

    def _talk(
        self,
        name: str,
        address: str,
        kinds: Sequence[StepKind],
        webhook: Webhook | None = None,
    ) -> Talk:
        good = self._chance.choice(self._trade.goods)
        topic = self._chance.choice(words.TOPICS)
        subject = "" if kinds[0] == "form" else topic.subject.format(good=good)
        first_name = name.split(maxsplit=1)[0]
        steps = []
        for number, kind in enumerate(kinds):
            text = self._text(topic, kind, kinds[:number])
            steps.append(
                Step(
                    kind=kind,
                    text=text.format(good=good, name=first_name),
                    ses_id=self._ses_id() if kind not in {"answer", "close", "webhook"} else "",
                    twice=kind == "answer" and self._chance.random() < 0.25,
                    webhook=webhook if kind == "webhook" else None,
                )
            )
        return Talk(self._host, name, address, subject, tuple(steps))

    def _text(self, topic: words.Topic, kind: StepKind, before: Sequence[StepKind]) -> str:
        texts: Sequence[str] = {
            "form": topic.follow_ups if before else topic.questions,
            "mail": topic.questions,
            "answer": topic.last_words if "answer" in before else topic.answers,
            "reply": topic.replies,
            "away": (words.AWAY,),
        }.get(kind, ("",))
        return self._chance.choice(texts)

    def _stray(self, kind: str) -> Stray:
        person = self._people.one()
        known: Literal["away", "spam"] = "spam" if kind == "spam" else "away"
        return Stray(known, person.name, person.email, self._ses_id())

    def _ses_id(self) -> str:
        self._mails += 1
        name = f"cplus demo/{self._name}/{self._mails}"
        return hashlib.sha256(name.encode()).hexdigest()[:40]
