"""Counts what is in the log, the read models, the mailbox and the redeliveries."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import pymongo
from pymongo.collection import Collection

from cplus.aws import Aws
from cplus.bootstrap import Parts
from cplus.consumers.reactions.registry import REACTIONS
from cplus.consumers.webhooks.record import REDELIVERIES
from cplus.counts import counted
from cplus.errors import StillBusy
from cplus.events.audit.roots import verify_shop
from cplus.events.base import Recorded
from cplus.events.catalogue.imports import ImportEnded
from cplus.local.aws import options
from cplus.projections.base import Projection
from cplus.projections.generations.lineage import GENERATIONS, Lineage, first
from cplus.projections.groups import ALL
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.deliveries import DELIVERIES
from cplus.projections.models.messages import MESSAGES
from cplus.subscriptions.checkpoints import CHECKPOINTS

if TYPE_CHECKING:
    from cplus.local.stack import Stack

_PAUSE: Final = 0.2
_PATIENCE: Final = 3.0  # seconds that read models may lag behind when all queues are empty

_COUNTED: Final = {
    "conversation.started": "conversations",
    "conversation.message_received": "messages_in",
    "conversation.reply_written": "messages_out",
    "mail.sent": "mails_sent",
    "mail.bounced": "mails_bounced",
    "persons.joined": "joined",
    "app.installed": "installs",
    "import.ended": "imports",
}
_SOURCES: Final = {"webhook": "deliveries_recorded", "mail": "mails_received"}


@dataclass(frozen=True)
class ShopFound:
    """The counts of one shop."""

    log: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    deliveries_sent: int = 0
    """Distinct attempts that the app accepted, as counted by the local Shopify."""
    redeliveries: int = 0
    mails: int = 0
    """In the mailbox, each message once."""
    notes: Mapping[int, str | None] = field(default_factory=dict)
    consents: Mapping[int, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Observed:
    """The counts of all shops; `faults` lists what must never happen."""

    shops: Mapping[str, ShopFound]
    faults: tuple[str, ...] = ()

    def since(self, before: Observed) -> Observed:
        """The difference to earlier counts."""
        return replace(
            self,
            shops={
                host: _less(found, before.shops.get(host, ShopFound()))
                for host, found in self.shops.items()
            },
        )


def _less(found: ShopFound, before: ShopFound) -> ShopFound:
    return replace(
        found,
        log=_counter(found.log, before.log),
        rows=_counter(found.rows, before.rows),
        deliveries_sent=found.deliveries_sent - before.deliveries_sent,
        redeliveries=found.redeliveries - before.redeliveries,
        mails=found.mails - before.mails,
    )


def _counter(now: Counter[str], before: Counter[str]) -> Counter[str]:
    # Not with `-`, which drops zeros: a name without a count would not be compared.
    return Counter({name: count - before[name] for name, count in now.items()})


class Observer:
    """Observes a running stack. `close` closes its connections."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._aws = Aws(**options(stack.aws.endpoint))
        self._parts = Parts(stack.settings, aws=self._aws)
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(stack.mongod.uri)
        self._database = self._client[stack.settings.mongo_database]

    async def close(self) -> None:
        """Closes its connections."""
        await self._parts.close()
        await self._aws.close()
        await asyncio.to_thread(self._client.close)

    async def quiet(self, seconds: float) -> list[str]:
        """Waits until queues are empty and read models at the log's heads; what was left.

        A nudge may be lost with its process: the sweep heals it within a minute, and here it is
        asked for as soon as nothing else moves.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                await self._stack.runner.idle(max(deadline - time.monotonic(), 1.0))
            except StillBusy as error:
                return [str(error)]
            behind = await self._behind(min(_PATIENCE, max(deadline - time.monotonic(), 0.0)))
            if not behind:
                return []
            if time.monotonic() >= deadline:
                return behind
            await self._stack.runner.fire_schedules("sweep")

    async def _behind(self, seconds: float) -> list[str]:
        deadline = time.monotonic() + seconds
        while True:
            behind = await asyncio.to_thread(self._lagging)
            if not behind or time.monotonic() >= deadline:
                return behind
            await asyncio.sleep(_PAUSE)

    def _lagging(self) -> list[str]:
        heads = {
            row["_id"]: row["position"]
            for row in self._database["commits"].aggregate(
                [{"$group": {"_id": "$shop", "position": {"$max": "$position"}}}]
            )
        }
        at = {row["_id"]: row for row in self._database[CHECKPOINTS].find({})}
        names = [self._rows_of(projection).name for projection in ALL]
        behind = []
        for shop, head in heads.items():
            for name in names:
                row = at.get(f"{name}/{shop}", {"position": 0})
                if row["position"] != head:
                    behind.append(f"{shop}: {name} is at {row['position']} of {head}")
            behind += self._not_handed_out(shop, at)
        return behind

    def _not_handed_out(self, shop: str, at: Mapping[str, Any]) -> list[str]:
        """Nobody wakes a reaction for events that it does not handle, so it may stand before
        them."""
        behind = []
        for reaction in REACTIONS:
            position = at.get(f"{reaction.name}/{shop}", {"position": 0})["position"]
            types = [event.TYPE for event in reaction.handles]
            asked = {"shop": shop, "position": {"$gt": position}, "events.type": {"$in": types}}
            if self._database["commits"].find_one(asked, {"_id": 1}):
                behind.append(f"{shop}: {reaction.name} is at {position}")
        return behind

    def _rows_of(self, projection: Projection) -> Collection[dict[str, Any]]:
        """The live collection."""
        found = self._database[GENERATIONS].find_one({"_id": projection.name})
        lineage = Lineage.of(found) if found else first(projection)
        return self._database[lineage.collection(lineage.live)]

    async def observe(self) -> Observed:
        """All counts."""
        faults: list[str] = []
        shops: dict[str, ShopFound] = {}
        mails, doubled = await asyncio.to_thread(self._mails)
        faults += (
            [counted(doubled, "mail was sent twice", "mails were sent twice")] if doubled else []
        )
        faults += [
            f"{counted(count, 'message')} in {name}"
            for name, count in sorted((await self._stack.aws.depths()).items())
            if count and name.endswith("-dead")
        ]
        sent = await asyncio.to_thread(self._sent)
        redeliveries = await asyncio.to_thread(self._redeliveries)
        for shop in await asyncio.to_thread(self._database["commits"].distinct, "shop"):
            broken = await verify_shop(self._parts.store.log, shop)
            if broken:
                faults.append(f"{shop}: position {broken.position} was {broken.kind}")
            log = await self._log(shop, faults)
            if log["installs"] > log["imports"]:
                left = log["installs"] - log["imports"]
                ended = counted(left, "import has not ended", "imports have not ended")
                faults.append(f"{shop}: {ended}")
            faults += await self._miscounted(shop, log)
            notes, consents = await asyncio.to_thread(self._facts, shop)
            shops[shop] = ShopFound(
                log=log,
                rows=await self._rows(shop),
                deliveries_sent=sent.get(shop, 0),
                redeliveries=redeliveries[shop],
                mails=mails[shop.partition(".")[0]],
                notes=notes,
                consents=consents,
            )
        faults += await asyncio.to_thread(self._parked)
        return Observed(shops, tuple(faults))

    async def _log(self, shop: str, faults: list[str]) -> Counter[str]:
        found: Counter[str] = Counter(
            dict.fromkeys((*_COUNTED.values(), *_SOURCES.values(), "commits"), 0)
        )
        persons = _Persons()
        seq = 0
        async for commit in self._parts.store.iterate(shop):
            if commit.seq != seq:
                faults.append(f"{shop}: a gap in the events before position {commit.position}")
            seq = commit.seq_after
            found["commits"] += 1
            if commit.source in _SOURCES:
                found[_SOURCES[commit.source]] += 1
            for type_ in commit.types:
                if type_ in _COUNTED:
                    found[_COUNTED[type_]] += 1
            events = await self._parts.reader.of(commit)
            persons.add(events)
            faults += [
                f"{shop}: an import was refused"
                for one in events
                if isinstance(one.event, ImportEnded) and one.event.outcome == "refused"
            ]
        found["customers"], found["leads"] = persons.count()
        return found

    async def _rows(self, shop: str) -> Counter[str]:
        conversations = await self._parts.queries.conversation_counts(shop)
        persons = await self._parts.queries.person_counts(shop)

        def messages() -> dict[str, int]:
            rows = self._rows_of(MESSAGES)
            sent = {"ses_message_id": {"$ne": None}}
            asked: dict[str, dict[str, Any]] = {
                "messages_in": {"direction": "in"},
                "messages_out": {"direction": "out"},
                "mails_sent": sent,
                "mails_bounced": {**sent, "status": "bounced"},
            }
            return {
                name: rows.count_documents({"shop": shop, **one}) for name, one in asked.items()
            }

        counted = await asyncio.to_thread(messages)
        return Counter(
            {
                "conversations": conversations.conversations,
                "conversations_open": conversations.open,
                "customers": persons.customers,
                "leads": persons.leads,
                **counted,
            }
        )

    async def _miscounted(self, shop: str, log: Counter[str]) -> list[str]:
        """Where the sums of all days and the deliveries are not what the log holds."""
        figures = await self._parts.queries.metrics_total(shop)
        deliveries = self._rows_of(DELIVERIES)
        written = {"shop": shop, "state": {"$ne": None}}
        found = {
            "conversations": figures.conversations,
            "messages_in": figures.messages_in + figures.automatic_in,
            "messages_out": figures.messages_out,
        }
        told = [("metrics", name, count, log[name]) for name, count in found.items()]
        count = await asyncio.to_thread(deliveries.count_documents, written)
        told.append(("deliveries", "messages_out", count, log["messages_out"]))
        return [
            f"{shop}: {model} has {count} of {right} {name}"
            for model, name, count, right in told
            if count != right
        ]

    def _facts(self, shop: str) -> tuple[dict[int, str | None], dict[int, str | None]]:
        """The newest note and consent of each customer, over all rows of a person."""
        newest: dict[str, dict[int, tuple[Any, str | None]]] = {"profile": {}, "consent": {}}
        fields = {"profile": "note", "consent": "email"}
        for row in self._rows_of(CUSTOMERS).find({"shop": shop}, {"accounts": 1}):
            for customer, account in row["accounts"].items():
                for group, field_name in fields.items():
                    told = account.get(group)
                    known = newest[group].get(int(customer))
                    if told and (known is None or (told["at"], told["by"]) > known[0]):
                        at = (told["at"], told["by"])
                        newest[group][int(customer)] = (at, told[field_name])
        notes, consents = (
            {customer: value for customer, (_, value) in newest[group].items()} for group in fields
        )
        return notes, consents

    def _mails(self) -> tuple[Counter[str], int]:
        """Mails by shop name, each message once; and how many were sent more than once."""
        entries = _asked(f"{self._stack.aws.endpoint}/_mailbox/messages.json")["messages"]
        tagged = Counter(
            (entry["tags"].get("cplus-shop", ""), entry["tags"].get("cplus-message", ""))
            for entry in entries
        )
        return Counter(shop for shop, _ in tagged), sum(count > 1 for count in tagged.values())

    def _sent(self) -> dict[str, int]:
        shops = _asked(f"{self._stack.shopify_url}/_control/shops")
        return {shop["host"]: shop["delivered"] for shop in shops}

    def _redeliveries(self) -> Counter[str]:
        rows = self._database[REDELIVERIES].find({}, {"shop": 1})
        return Counter(row["shop"] for row in rows)

    def _parked(self) -> list[str]:
        rows = self._database[CHECKPOINTS].find({"parked": {"$ne": None}})
        return [f"{row['_id']} is parked at {row['parked']['position']}" for row in rows]


def _asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - http on loopback
        return json.load(answer)


class _Persons:
    """Customers and leads, folded from the log in the simplest way."""

    def __init__(self) -> None:
        self._same: dict[str, str] = {}
        self._customers: defaultdict[str, set[int]] = defaultdict(set)
        self._deleted: set[int] = set()
        self._wrote: set[str] = set()

    def add(self, events: Iterable[Recorded]) -> None:
        """Reads the events of one commit."""
        for recorded in events:
            event: Any = recorded.event
            match event.TYPE:
                case "customer.changed" | "customer.imported" | "customer.consent_changed":
                    self._customers[event.person].add(event.shopify_customer_id)
                case "customer.deleted":
                    self._deleted.add(event.shopify_customer_id)
                case "conversation.started" | "conversation.message_received":
                    self._wrote.add(event.person)
                case "persons.joined":
                    self._same[self._one(event.absorbed)] = self._one(event.person)

    def count(self) -> tuple[int, int]:
        """Customers and leads."""
        customers = {
            self._one(person) for person, ids in self._customers.items() if ids - self._deleted
        }
        return len(customers), len({self._one(person) for person in self._wrote} - customers)

    def _one(self, person: str) -> str:
        while (same := self._same.get(person, person)) != person:
            person = same
        return person
