"""What the benchmark of taking in hands over: webhooks, a page of an import, mails; and the parts
that take them."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from pydantic import SecretStr

from bench.measure import Work, fresh
from cplus.aws import Aws, Versions
from cplus.bootstrap import Parts
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.imports.import_log import ImportLog
from cplus.consumers.imports.importer import Follows, Importer, Place
from cplus.consumers.mail.arrived import INCOMING
from cplus.consumers.mail.inbound_email import Inbound
from cplus.consumers.webhooks.record import handle
from cplus.deadline import Deadline
from cplus.events.nudges import News
from cplus.leases import Leases
from cplus.local.demo.letters import plain
from cplus.local.demo.payloads import Person, customer
from cplus.settings import Settings
from cplus.shopify.queries import CustomersPage, ImportedCustomer

SHOP = "bench.myshopify.com"
DOMAIN = "mail.cplus.example"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
BEFORE = "before"
"""The run that makes persons known: all others come later."""
WEBHOOKS, CUSTOMERS, MAILS = 50, 150, 25
TEXT = "Do you have the lamp in blue, and do you ship to Norway before the holidays? " * 4


class Quiet:
    """A nudger that tells nobody: SNS is not what is measured."""

    async def nudge(self, news: Mapping[str, News]) -> None:
        """Does nothing."""


class Bucket(Aws):
    """S3 in memory: what it takes to answer is not what is measured."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}

    # The same parameters as the Aws that it stands for; there is one bucket.

    async def object_size(self, bucket: str, key: str) -> int:  # noqa: ARG002
        """The bytes of an object."""
        return len(self.objects[key])

    async def get_object(self, bucket: str, key: str, version: str | None = None) -> bytes:  # noqa: ARG002
        """An object."""
        return self.objects[key]

    async def put_object(self, bucket: str, key: str, body: bytes) -> None:  # noqa: ARG002
        """Keeps an object."""
        self.objects[key] = body

    async def list_versions(self, bucket: str, prefix: str) -> dict[str, Versions]:  # noqa: ARG002
        """The only version of the object of that key."""
        return {prefix: Versions(["1"])} if prefix in self.objects else {}

    async def delete_versions(self, bucket: str, versions: Sequence[tuple[str, str]]) -> None:  # noqa: ARG002
        """Deletes objects."""
        for key, _ in versions:
            del self.objects[key]


@asynccontextmanager
async def taking(uri: str, database: str) -> AsyncIterator[Parts]:
    """The parts over a fresh database with its indexes."""
    settings = Settings(
        mongo_uri=SecretStr(uri),
        mongo_database=database,
        mongo_keyring_database=f"{database}_keyring",
        mongo_pool=16,
        application_secret=SecretStr("a secret that is only for benchmarks"),
        mail_domain=DOMAIN,
        mail_bucket="mail",
        shopify_client_id="client-id",
        shopify_client_secret=SecretStr("a client secret that is only for benchmarks"),
    )
    async with fresh(Parts(settings, aws=Bucket(), nudger=Quiet())) as parts:
        yield parts


def person(number: int) -> Person:
    """The customer of that number."""
    return Person(number + 1, "Ada", "Brandt", f"ada{number}@shopper.example", "NO", "USD")


def webhooks(parts: Parts, run: str, first: int, shops: int = 1) -> Work:
    """A batch of customers/update, from the customer `first` on; `run` makes it another one than
    the same batch before."""
    batch = [_webhook(run, number, shops) for number in range(first, first + WEBHOOKS)]
    use = parts.webhooks

    async def work() -> int:
        assert await handle(batch, use, Deadline.within(60)) == []
        return len(batch)

    return work


def _webhook(run: str, number: int, shops: int) -> SqsRecord:
    updated = NOW + timedelta(days=run != BEFORE, seconds=number)
    body = json.dumps(customer(person(number), NOW, updated, "asked for the blue lamp")).encode()
    message = {
        "delivery": f"{run}-{number}",
        "received_at": updated.isoformat(),
        "headers": {
            "x-shopify-topic": "customers/update",
            "x-shopify-shop-domain": SHOP if shops == 1 else f"bench{number % shops}.myshopify.com",
            "x-shopify-webhook-id": f"webhook-{run}-{number}",
            "x-shopify-event-id": f"event-{run}-{number}",
            "x-shopify-api-version": "2026-10",
            "x-shopify-triggered-at": updated.isoformat(),
        },
        "body": base64.b64encode(body).decode(),
        "body_ref": None,
    }
    return SqsRecord(f"{run}-{number}", json.dumps(message), "webhooks", {})


def page(parts: Parts, run: str, first: int) -> Work:
    """A page of an import, as Shopify answered it, from the customer `first` on."""
    nodes = [_node(number) for number in range(first, first + CUSTOMERS)]
    read = CustomersPage(
        customers=tuple(ImportedCustomer.model_validate(node) for node in nodes),
        end_cursor=f"0.{CUSTOMERS}.next",
        has_next=True,
    )
    answer = json.dumps({"data": {"customers": {"nodes": nodes}}}).encode()
    importer = Importer(
        store=parts.store,
        persons=parts.persons,
        listed=parts.listed,
        bodies=parts.bodies,
        credentials=parts.credentials,
        leases=Leases(parts.mongo.database),
        rows=parts.queries,
        recorder=parts.recorder,
        send=partial(parts.aws.send, "the queue of imports"),
        origin=parts.settings.shopify_origin,
        api_version=parts.settings.shopify_api_version,
        page_size=CUSTOMERS,
        clock=parts.clock,
    )
    log = ImportLog(SHOP, f"{run}-{first}", Follows(run, None), importer)

    async def work() -> int:
        await log.record(Place(1, None), read, answer)
        return CUSTOMERS

    return work


def _node(number: int) -> dict[str, Any]:
    one = person(number)
    return {
        "legacyResourceId": str(one.id),
        "firstName": one.first_name,
        "lastName": one.last_name,
        "displayName": one.name,
        "locale": "nb",
        "state": "DISABLED",
        "tags": ["lamps"],
        "note": None,
        "numberOfOrders": "2",
        "amountSpent": {"amount": "80.0", "currencyCode": "NOK"},
        "createdAt": "2026-01-02T03:04:05Z",
        "updatedAt": "2026-10-02T03:04:05Z",
        "defaultEmailAddress": {
            "emailAddress": one.email,
            "marketingState": "SUBSCRIBED",
            "marketingUpdatedAt": "2026-01-02T03:04:05Z",
            "validFormat": True,
        },
        "defaultPhoneNumber": None,
        "lastOrder": None,
    }


def mails(parts: Parts, run: str, first: int) -> Work:
    """A batch of mails that each start a conversation, from the person `first` on."""
    bucket = parts.aws
    assert isinstance(bucket, Bucket)
    batch = []
    for number in range(first, first + MAILS):
        one, key = person(number), f"{run}-{number}"
        letter = plain(f"bench@{DOMAIN}", one.name, one.email, "A lamp", TEXT, key)
        bucket.objects[f"{INCOMING}{key}"] = letter.raw
        batch.append(SqsRecord(key, json.dumps(_notification(key, one.email)), "mail", {}))
    inbound = Inbound(
        parts.settings, parts.store, parts.persons, bucket, parts.recorder, installed={SHOP}
    )

    async def work() -> int:
        assert await inbound.handle_all(batch, Deadline.within(60)) == []
        return len(batch)

    return work


def _notification(key: str, sender: str) -> dict[str, Any]:
    verdicts = ("spamVerdict", "virusVerdict", "spfVerdict", "dkimVerdict", "dmarcVerdict")
    return {
        "notificationType": "Received",
        "mail": {"messageId": key, "source": sender},
        "receipt": {
            "timestamp": NOW.isoformat(),
            "recipients": [f"bench@{DOMAIN}"],
            "action": {"type": "S3", "bucketName": "mail", "objectKey": f"{INCOMING}{key}"},
            **{verdict: {"status": "PASS"} for verdict in verdicts},
        },
    }
