"""A person writes, orders, is imported and answered, and is then erased: nothing of them is left
anywhere, and what comes late shows nothing.

It searches for the literal words: in every document of every database, in the data files of a new
member of the replica set, in every object, queue, page and log.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pymongo
import pytest
from bson.raw_bson import RawBSONDocument

from cplus.aws import Aws
from cplus.bootstrap import Parts
from cplus.events.audit.roots import verify_shop as verify_chain
from cplus.local.aws import options
from cplus.local.aws.email.inbound import Receipt, deliver
from cplus.local.demo import Sizes, make_plan
from cplus.local.demo.browser import Browser
from cplus.local.demo.outside import Outside
from cplus.local.mongod import find_binary
from cplus.local.process import free_port
from cplus.local.resources import exported
from cplus.local.stack import MAIL_DOMAIN, Stack
from cplus.projections.checks.verify import verify_shop
from cplus.projections.groups import ALL

PLAN = make_plan(Sizes(shops=1, customers=0, conversations=0))
SHOP = PLAN.hosts[0]
CUSTOMER = 70_123_456
NAME, ADDRESS, PHONE = "Zebulon Quixworth", "zebulon.quixworth@shopper.example", "+4915199988877"
WRITTEN = "The violin strings of my grandmother arrived twisted"
ANSWERED = "Dear Zebulon, a second set of strings is on its way"
ATTACHED = "Photograph of the twisted strings, taken in Tangermuende"
WORDS = (NAME, "zebulon", PHONE, "twisted", "second set of strings", "Tangermuende")
SECONDS = 60.0


class World:
    """A running system with one shop, and how to look into every part of it."""

    def __init__(self, stack: Stack, aws: Aws) -> None:
        self.stack, self.aws = stack, aws
        self.parts = Parts(stack.settings, aws=aws)
        self.mongo = pymongo.MongoClient[Any](stack.mongod.uri, document_class=RawBSONDocument)
        self.browser = Browser(stack.settings, SHOP, asyncio.Semaphore(4))
        self.receipt = Receipt(
            endpoint=stack.aws.endpoint,
            bucket=exported(stack.application, "mail-bucket"),
            topic=exported(stack.application, "mail-topic"),
        )

    async def tell(self, topic: str, payload: dict[str, Any], **more: Any) -> None:
        """Shopify delivers a webhook."""
        told = {"topic": topic, "shop": SHOP, "payload": payload, "wait": True, **more}
        async with httpx.AsyncClient(timeout=60) as http:
            answer = await http.post(f"{self.stack.shopify_url}/_control/webhooks", json=told)
        answer.raise_for_status()

    async def until(self, found: Callable[[], Awaitable[Any]], what: str) -> Any:
        """What `found` answers once it is true."""
        deadline = time.monotonic() + SECONDS
        while not (answer := await found()):
            assert time.monotonic() < deadline, f"never seen: {what}"
            await asyncio.sleep(0.1)
        return answer

    async def folded(self) -> None:
        """Every reader has read the shop's log to its end."""

        async def there() -> bool:
            head = (await self.parts.store.head(SHOP)).position
            at = await self.parts.queries.positions_of(SHOP)
            return all(position >= head for position in at.values())

        await self.until(there, "every read model at the head")

    def documents(self) -> Iterator[tuple[str, bytes]]:
        """Every document with its collection, but for the databases of MongoDB itself, of which
        `local` has the oplog."""
        for database in set(self.mongo.list_database_names()) - {"admin", "config", "local"}:
            for name in self.mongo[database].list_collection_names():
                for one in self.mongo[database][name].find():
                    yield f"{database}.{name}", one.raw

    async def objects(self) -> list[tuple[str, bytes]]:
        """Every version of every object."""
        s3, found = await self.aws.client("s3"), []
        for bucket in [one["Name"] for one in (await s3.list_buckets())["Buckets"]]:
            for key, versions in (await self.aws.list_versions(bucket, "")).items():
                for version in versions.ids:
                    body = await self.aws.get_object(bucket, key, version)
                    found.append((f"{bucket}/{key}", body))
        return found

    async def messages(self) -> list[tuple[str, bytes]]:
        """Every message that waits in a queue, dead-letter queues included."""
        sqs, found = await self.aws.client("sqs"), []
        for url in (await sqs.list_queues())["QueueUrls"]:
            while True:
                answer = await sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
                if not answer.get("Messages"):
                    break
                found += [(url, one["Body"].encode()) for one in answer["Messages"]]
        return found

    async def pages(self, conversation: str, person: str) -> list[tuple[str, bytes]]:
        """Every page that could show the person."""
        number = person.removeprefix("person/")
        addresses = [
            *("/inbox?tab=all", "/api/inbox?state=all", "/customers", "/customers?kind=leads"),
            *(f"/conversations/{conversation}", f"/conversations/{conversation}/history"),
            *(
                f"/customers/{number}",
                "/privacy?state=all",
                "/inbox/automatic",
                f"/privacy/people/{number}",
            ),
        ]
        web = self.stack.settings.app_url
        return [(one, (await self.browser._send("GET", f"{web}{one}")).body) for one in addresses]

    def logs(self) -> Iterator[tuple[str, bytes]]:
        """Every log file of the stack."""
        for path in Path(self.stack.data, "logs").rglob("*"):
            if path.is_file():
                yield path.name, path.read_bytes()


def new_member(world: World, data: Path) -> list[tuple[str, bytes]]:
    """The data files of a new member of the replica set, which has just copied what there is. They
    are not compressed, and hold nothing that was overwritten: a file of the primary still has, in
    blocks that are free, what stood there before."""
    port, log = free_port(), data.with_suffix(".log")
    data.mkdir()
    key = world.stack.data / "mongo.key"
    command = [
        *(str(find_binary(os.environ)), "--dbpath", str(data), "--replSet", "cplus"),
        *("--bind_ip", "127.0.0.1", "--port", str(port), "--keyFile", str(key)),
        *("--wiredTigerCollectionBlockCompressor", "none", "--wiredTigerCacheSizeGB", "0.25"),
        *("--wiredTigerJournalCompressor", "none", "--oplogSize", "64", "--nounixsocket"),
    ]
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
    admin = world.mongo.admin
    try:
        config = admin.command("replSetGetConfig")["config"]
        alone = config["members"]
        new = {"_id": 7, "host": f"127.0.0.1:{port}", "priority": 0, "votes": 0, "hidden": True}
        config |= {"members": [*alone, new], "version": config["version"] + 1}
        admin.command("replSetReconfig", config)
        deadline = time.monotonic() + SECONDS
        while True:
            status = admin.command("replSetGetStatus")
            if [one["stateStr"] for one in status["members"] if one["_id"] == 7] == ["SECONDARY"]:
                break
            assert time.monotonic() < deadline, log.read_text()[-2_000:]
            time.sleep(0.1)
        config |= {"members": alone, "version": config["version"] + 1}
        admin.command("replSetReconfig", config)
    finally:
        process.terminate()
        process.wait()
    return [
        (str(one.relative_to(data)), one.read_bytes())
        for one in sorted(data.rglob("*"))
        if one.is_file()
    ]


def found_in(places: Any) -> dict[str, list[str]]:
    """The words that stand somewhere, by place."""
    found: dict[str, set[str]] = {}
    for place, raw in places:
        low = raw.lower()
        if words := {word for word in WORDS if word.lower().encode() in low}:
            found.setdefault(place, set()).update(words)
    return {place: sorted(words) for place, words in sorted(found.items())}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with Stack(tmp_path) as stack:
        aws = Aws(**options(stack.aws.endpoint))
        made = World(stack, aws)
        yield made
        made.mongo.close()
        await made.browser.close()
        await made.parts.close()
        await aws.close()


def person() -> dict[str, Any]:
    first, last = NAME.split()
    return {
        "id": CUSTOMER,
        "first_name": first,
        "last_name": last,
        "email": ADDRESS,
        "phone": PHONE,
        "note": f"{NAME} plays the violin",
    }


def letter() -> bytes:
    mail = EmailMessage()
    mail["From"] = f"{NAME} <{ADDRESS}>"
    mail["To"] = f"{SHOP.partition('.')[0]}@{MAIL_DOMAIN}"
    mail["Subject"] = "Twisted strings"
    mail["Message-ID"] = "<strings-1@shopper.example>"
    mail.set_content(f"{WRITTEN}.\n")
    mail.add_attachment(ATTACHED, filename=f"{NAME}.txt")
    return mail.as_bytes()


async def lived(world: World) -> tuple[str, str]:
    """The person is imported, orders, writes and is answered; the conversation and the person."""
    outside = Outside(world.stack.shopify_url, world.receipt)
    [shop] = PLAN.shops
    await outside.put_shop({**shop.description, "customers": [person()]})
    await outside.close()
    await world.browser.install()
    queries = world.parts.queries

    async def imported() -> Any:
        return (await queries.customers(SHOP)).items

    await world.until(imported, "the import")
    await world.tell("customers/update", {**person(), "updated_at": "2026-11-01T00:00:00Z"})
    order = {
        "id": 9_001,
        "name": "#1001",
        "email": ADDRESS,
        "phone": PHONE,
        "currency": "EUR",
        "total_price": "25.00",
        "financial_status": "paid",
        "created_at": "2026-11-01T00:00:00Z",
        "updated_at": "2026-11-01T00:00:00Z",
        "customer": {"id": CUSTOMER, "email": ADDRESS},
        "shipping_address": {"name": NAME, "phone": PHONE},
    }
    await world.tell("orders/create", order)
    deliver(world.receipt, letter(), [f"{SHOP.partition('.')[0]}@{MAIL_DOMAIN}"], ADDRESS)

    async def written() -> Any:
        return (await queries.list_conversations(SHOP)).items

    [talk] = await world.until(written, "the conversation")
    await world.browser.answer(talk.id, f"{ANSWERED}.")

    async def delivered() -> Any:
        newest = await queries.newest_messages_of(SHOP, talk.id)
        return [one for one in newest.items if one.status == "delivered"]

    await world.until(delivered, "the answer")
    await world.folded()
    return talk.id, talk.person


async def erased(world: World) -> None:
    """Shopify asks for the erasure, and it is done."""
    await world.tell(
        "customers/redact",
        {
            "shop_id": 1,
            "shop_domain": SHOP,
            "customer": {"id": CUSTOMER, "email": ADDRESS, "phone": PHONE},
            "orders_to_redact": [9_001],
        },
    )

    async def done() -> Any:
        return [one for one in (await world.parts.queries.erasures(SHOP)).items if one.completed_at]

    await world.until(done, "the erasure")
    await world.folded()


async def test_who_was_erased_is_nowhere_any_more(world: World, tmp_path: Path) -> None:
    talk, who = await lived(world)
    # What is searched for is found before.
    assert set(found_in(await world.pages(talk, who))) >= {"/inbox?tab=all", "/customers"}
    assert found_in(world.documents())

    await erased(world)
    late = {**person(), "updated_at": "2026-11-02T00:00:00Z"}
    held_back = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    before = (await world.parts.store.head(SHOP)).position
    await world.tell("customers/update", late, triggered_at=held_back)

    async def recorded() -> bool:
        return (await world.parts.store.head(SHOP)).position > before

    await world.until(recorded, "the webhook that was held back")
    await world.folded()

    assert found_in(world.documents()) == {}
    assert found_in(await world.objects()) == {}
    assert found_in(await world.messages()) == {}
    assert found_in(await world.pages(talk, who)) == {}
    assert found_in(world.logs()) == {}
    files = new_member(world, tmp_path / "member")
    assert any(SHOP.encode() in raw for _, raw in files)  # what is there can be found in them
    assert found_in(files) == {}

    assert await verify_chain(world.parts.store.log, SHOP) is None
    for projection in ALL:
        found = await verify_shop(
            world.parts.mongo, world.parts.store, world.parts.reader, projection, SHOP
        )
        assert found.differences == [], projection.name
    shown = dict(await world.pages(talk, who))
    assert b"erased" in shown[f"/conversations/{talk}"].lower()
