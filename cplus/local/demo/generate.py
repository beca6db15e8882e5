"""Generates the plan of one shop from a random seed."""

from __future__ import annotations

import random
import re
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from cplus.local.demo import payloads, words
from cplus.local.demo.known import FIRST_SHOP, known_customers, shop_description
from cplus.local.demo.payloads import Person, iso
from cplus.local.demo.plan import INSTALLED, ShopPlan, Webhook, expected_of
from cplus.local.demo.talks import Joined, TalkMaker

_IMPORTED: Final = 0.88  # of the customers; the others come by webhook
_CAPS: Final = (20, 25, 30, 40)  # of the subscription, in the order of the runs
_CONSENT: Final = "customers_email_marketing_consent/update"
_OF_THE_SHOP: Final = "shop/update"
_SECOND: Final = timedelta(seconds=1)


def shop_plan(
    seed: int,
    run: int,
    number: int,
    times: tuple[datetime, datetime | None],
    customers: int,
    conversations: int,
) -> ShopPlan:
    """The plan of the shop `number`, from 0; `times` are `base` and `now` of `make_plan`."""
    base, now = times
    chance = random.Random(f"cplus demo/{seed}/{run}/{number}")
    trade = words.TRADES[number % len(words.TRADES)]
    name = trade.name if number < len(words.TRADES) else f"{trade.name} {number + 1}"
    host = f"{_slug(name)}.myshopify.com"
    people = _People(chance, trade, run, number)
    live = [people.one() for _ in range(customers)]
    share = 0 if now else _IMPORTED
    imported = live[: -(-int(customers * share * 100) // 100)] if customers else []
    gone = [people.one() for _ in range(max(1, customers // 25) if customers else 0)]
    merged = [people.one() for _ in range(1 + customers // 100 if customers > 2 else 0)]
    facts = _Facts(chance, host, trade, base, run)
    facts.customers(live, imported)
    facts.removed(gone, [(live[-1 - i], one) for i, one in enumerate(merged)], imports=not now)
    facts.shop(FIRST_SHOP + number, name, run, pays=not now)
    writers = live[: len(live) // 2]
    movers = live[len(live) // 2 :][: max(1, customers // 60)] if conversations > 1 else []
    facts.known_early(movers)
    joins = [
        Joined(one, *facts.moved(replace(one, email=f"private.{one.email}"))) for one in movers
    ]
    maker = TalkMaker(chance, host, trade, people, f"{seed}/{run}/{number}")
    talks, strays = maker.make(conversations, writers, joins)
    early, main, late = facts.parted()
    told = {step.webhook.webhook_id for talk in talks for step in talk.steps if step.webhook}
    joined = [one for one in joins if one.webhook.webhook_id in told]
    addresses = {one.email for one in live} | {one.address for one in joined}
    return ShopPlan(
        host=host,
        description=shop_description(
            host,
            name,
            number,
            trade,
            known_customers(chance, [*imported, *gone, *merged], facts.created, facts.bought, base),
        ),
        early=early,
        webhooks=main,
        late=late,
        talks=talks,
        strays=strays,
        expected=expected_of(
            (*early, *main, *late),
            talks,
            strays,
            customers=customers,
            leads=len({talk.address for talk in talks} - addresses),
            joined=len(joined),
        ),
        notes={**facts.notes, **{one.person.id: one.note for one in joined}},
        consents=facts.consents,
    )


class _People:
    """Invented people, all different within a run."""

    def __init__(self, chance: random.Random, trade: words.Trade, run: int, number: int) -> None:
        self._chance = chance
        self._currency = trade.currency
        self._run = run
        self._first_id = 6_000_000_000_000 + (run * 1_000 + number) * 10_000_000
        self._made = 0

    def one(self) -> Person:
        """A new person."""
        self._made += 1
        first, last = (
            self._chance.choice(words.FIRST_NAMES),
            self._chance.choice(words.LAST_NAMES),
        )
        local = f"{_slug(first)}.{_slug(last)}{self._made}"
        if self._run > 1:
            local += f".{self._run}"
        return Person(
            id=self._first_id + self._made * 10,
            first_name=first,
            last_name=last,
            email=f"{local}@{self._chance.choice(words.DOMAINS)}",
            country=self._chance.choice(words.COUNTRIES),
            currency=self._currency,
        )


class _Facts:
    """Shopify's facts about one shop, each with its own time."""

    def __init__(
        self, chance: random.Random, host: str, trade: words.Trade, base: datetime, run: int
    ) -> None:
        self.notes: dict[int, str] = {}
        self.consents: dict[int, str] = {}
        self.bought: dict[int, list[Decimal]] = {}
        """What the orders from before the installation come to, by customer."""
        self._created: dict[int, datetime] = {}
        self._chance = chance
        self._host = host
        self._trade = trade
        self._base = base
        self._seconds = 0
        self._told: list[Webhook] = []
        self._early: list[Webhook] = []
        self._numbers = iter(range(1_001 + (run - 1) * 10_000, 1_000_000_000))

    def customers(self, live: Sequence[Person], imported: Sequence[Person]) -> None:
        """Customers are created, change, consent and order.

        The webhooks of an app tell of what happens once it is installed: an order of somebody whom
        the import finds was placed before and is fulfilled then, and others order then.
        """
        known = {person.id for person in imported}
        others = [person for person in live if person.id not in known]
        for person in live:
            if person.id not in known:
                self._create(person)
            for _ in range(self._chance.choice((0, 0, 0, 1, 2))):
                self._update(person)
            for _ in range(self._chance.choice((0, 0, 0, 0, 1, 2))):
                self._consent(person)
            if self._chance.random() < 0.3 or person in others[:1]:
                self._order(person, before=person.id in known)

    def removed(
        self,
        gone: Sequence[Person],
        merged: Sequence[tuple[Person, Person]],
        *,
        imports: bool,
    ) -> None:
        """Some customers are deleted, others merged."""
        for person in gone:
            now, created = self._now(), self.created(person)
            self._tell("customers/update", payloads.customer(person, created, now), now)
            self._tell("customers/delete", {"id": person.id}, self._now())
        for kept, deleted in merged:
            if not imports:  # then no import says who they were
                self._create(deleted)
            self._tell("customers/merge", payloads.merge(kept.id, deleted.id), self._now())

    def shop(self, number: int, name: str, run: int, *, pays: bool) -> None:
        """The shop changes, sends an unknown topic, and with `pays` begins a subscription: each
        run installs the app, with which it begins."""
        for _ in range(2):
            now = self._now()
            self._tell("shop/update", payloads.shop(number, name, self._trade, now), now)
        cap = f"{_CAPS[(run - 1) % len(_CAPS)]}.0"
        for seconds, status in enumerate(("PENDING", "ACTIVE") if pays else ()):
            at = INSTALLED + timedelta(seconds=seconds)
            told = payloads.subscription(number, run, status, cap, (INSTALLED, at))
            self._tell("app_subscriptions/update", told, at)
        for index, good in enumerate(self._trade.goods[:2]):
            self._tell("products/update", payloads.product(number * 10 + index, good), self._now())

    def known_early(self, people: Sequence[Person]) -> None:
        """Webhooks from before the app is installed."""
        for person in people:
            self._update(person)
            self._early.append(self._told.pop())

    def moved(self, person: Person) -> tuple[Webhook, str]:
        """The customer gets another address, later than anything else is told of them; the
        webhook, and the note that they have then."""
        now = self._base + timedelta(days=2, seconds=self._chance.randint(1, 80_000))
        note = "gave a second address"
        told = payloads.customer(person, self.created(person), now, note)
        return self._webhook("customers/update", told, now), note

    def created(self, person: Person) -> datetime:
        """When the customer was created in Shopify: long ago, where no webhook tells of it."""
        long_ago = self._base - timedelta(days=self._chance.randint(40, 700))
        return self._created.setdefault(person.id, long_ago)

    def parted(self) -> tuple[tuple[Webhook, ...], tuple[Webhook, ...], tuple[Webhook, ...]]:
        """The webhooks before the install, side by side with everything, and delayed: in no
        order, and some of them several times."""
        told = [
            replace(one, attempts=self._chance.choices((1, 2, 3), (80, 16, 4))[0])
            for one in self._told
        ]
        if told:  # always at least one
            told[0] = replace(told[0], attempts=2)
        self._chance.shuffle(told)
        edge = -(-len(told) // 12)
        # There is always a consent of somebody who is otherwise still unknown. What is told of the
        # shop itself counts only once Shopify can be asked which shop it is.
        before = [one for one in told if one.topic != _OF_THE_SHOP and not one.since_installed]
        consents = [one for one in before if one.topic == _CONSENT][:1]
        first = [*consents, *(one for one in before if one not in consents)][:edge]
        told = [*first, *(one for one in told if one not in first)]
        early = (*self._early, *told[:edge])
        return early, tuple(told[edge:-edge]), tuple(told[-edge:] if edge else ())

    def _create(self, person: Person) -> None:
        now = self._created[person.id] = self._now()
        self._tell("customers/create", payloads.customer(person, now, now), now)

    def _update(self, person: Person) -> None:
        now = self._now()
        told_before = self.notes.get(person.id)
        note = self._chance.choice([one for one in words.NOTES if one != told_before])
        self.notes[person.id] = note
        told = payloads.customer(person, self.created(person), now, note)
        self._tell("customers/update", told, now)

    def _consent(self, person: Person) -> None:
        now = self._now()
        state = self._chance.choice(("subscribed", "unsubscribed"))
        self.consents[person.id] = state
        told = payloads.consent(person, state, now)
        self._tell(_CONSENT, told, now)

    def _order(self, person: Person, *, before: bool) -> None:
        number = next(self._numbers)
        good = self._chance.choice(self._trade.goods)
        price = self._chance.randint(9, 240) + Decimal(self._chance.choice(("0", "0.5", "0.9")))
        known, placed = self.created(person), self._now() if before else INSTALLED
        if before:
            self.bought.setdefault(person.id, []).append(price)
        told = [("orders/updated", INSTALLED + _SECOND)]
        if not before:
            told = [("orders/create", placed), *told[: self._chance.randint(0, 1)]]
        for topic, at in told:
            amount = payloads.amount(price, person.currency)
            payload = payloads.order(person, number, good, amount, (known, placed, at))
            self._tell(topic, payload, at)

    def _now(self) -> datetime:
        """Later than the last time; facts of one customer never tie."""
        self._seconds += self._chance.randint(1, 60)
        return self._base + timedelta(seconds=self._seconds)

    def _tell(self, topic: str, payload: Mapping[str, Any], at: datetime) -> None:
        self._told.append(self._webhook(topic, payload, at))

    def _webhook(self, topic: str, payload: Mapping[str, Any], at: datetime) -> Webhook:
        return Webhook(
            shop=self._host,
            topic=topic,
            payload=payload,
            webhook_id=_uuid(self._chance),
            event_id=_uuid(self._chance),
            triggered_at=iso(at),
        )


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
