"""How long it takes to erase a person, for bench_sealing.py."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Collection, Iterator, Mapping

from pydantic import SecretStr

from bench.measure import Figure, fresh, plain
from cplus.bootstrap import Parts
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import NewEvent
from cplus.events.catalogue.customers import CustomerChanged
from cplus.events.log.commit import Draft
from cplus.events.nudges import Untold
from cplus.events.repository import decided
from cplus.ids import random_id
from cplus.privacy.erasing import Erasing, ask, erase
from cplus.privacy.ledger import Erased
from cplus.settings import Settings

PERSONS = 100_000
LARGE = (300, 17)
"""Conversations of a large person, and mails in each."""

_SHOP = "bench.myshopify.com"
_TEXT = "Do you have the lamp in blue, and do you ship to Norway before the holidays? " * 4
_AT_ONCE = 500


class _Elsewhere:
    """No bucket and no ledger: how long they take depends on where they are."""

    async def delete(self, refs: Collection[Mapping[str, str]], /) -> int:
        """Deletes nothing."""
        return len(refs)

    async def write(self, _entry: Erased, /) -> None:
        """Keeps nothing."""


async def _no_rows(_shop: str, _position: int, /) -> list[str]:
    """Waits for no read model: none is folded here."""
    return []


async def measured(uri: str, rounds: int) -> list[Figure]:
    """Erases people of a shop of which the log, the keyring and the directory know many."""
    settings = Settings(
        mongo_uri=SecretStr(uri),
        mongo_database="bench_erasing",
        mongo_keyring_database="bench_erasing_keyring",
        application_secret=SecretStr("a secret that is only for benchmarks"),
    )
    async with fresh(Parts(settings, nudger=Untold())) as parts:
        for start in range(0, PERSONS, _AT_ONCE):
            await _known(parts, range(start + 1, start + 1 + _AT_ONCE))
        few = [await _erased(parts, 1 + number, 1, 4) for number in range(rounds)]
        many = await _erased(parts, PERSONS, *LARGE)
    among = f"among {PERSONS:,}, without buckets"
    talks, mails = LARGE
    return [
        plain(
            f"erasing a person with 4 mails, {among}", statistics.median(few), "s", rounds=rounds
        ),
        plain(f"erasing one with {talks * mails:,} mails in {talks} conversations", many, "s"),
    ]


async def _known(parts: Parts, customers: range) -> None:
    """Shopify tells of these customers."""
    asked = (parts.persons.resolve(_SHOP, shopify_id=one) for one in customers)
    found = await asyncio.gather(*asked)
    drafts = []
    for number, who in zip(customers, found, strict=True):
        assert who is not None
        address = f"ada{number}@shopper.example"
        event = CustomerChanged(shopify_customer_id=number, person=who.person, email=address)
        new, refs = [NewEvent(f"customer/{number}", event, parts.clock())], [who.person]
        drafts.append(Draft(_SHOP, random_id(), "webhook", "shopify", new, refs=refs))
    await parts.store.append(drafts)


async def _erased(parts: Parts, customer: int, talks: int, mails: int) -> float:
    """Seconds that it takes to erase the customer, who has written so many mails."""
    who = await parts.persons.resolve(_SHOP, shopify_id=customer)
    assert who is not None
    drafts = [one for _ in range(talks) for one in _conversation(parts, who.person, mails)]
    for start in range(0, len(drafts), _AT_ONCE):
        await parts.store.append(drafts[start : start + _AT_ONCE])
    erasure, actor = random_id(), "system/bench"
    how = {"erasure": erasure, "source": "cli", "actor": actor}
    await ask(parts.recorder, _SHOP, who.person, **how, at=parts.clock())
    nothing = _Elsewhere()
    use = Erasing(
        *(parts.recorder, parts.keyring, parts.all_ids, parts.persons),
        ledger=nothing,
        objects=nothing,
        drafts=parts.drafts,
        behind=_no_rows,
        clock=parts.clock,
    )
    began = time.perf_counter()
    await erase(_SHOP, erasure, use=use)
    return time.perf_counter() - began


def _conversation(parts: Parts, person: str, mails: int) -> Iterator[Draft]:
    """The commits of a conversation in which the person wrote so many mails."""
    talk, now = Conversation.empty(f"conversation/{random_id()}"), parts.clock()
    talk.start(person=person, channel="email", subject="A lamp", now=now)
    for _ in range(mails):
        talk.receive(
            now=now,
            message_id=random_id(),
            person=person,
            from_name="Ada",
            from_address="ada@shopper.example",
            subject="A lamp",
            text=_TEXT,
            rfc_message_id=None,
        )
        refs = [talk.id, person]
        yield Draft(_SHOP, random_id(), "mail", "shopper", decided(talk), refs=refs)
