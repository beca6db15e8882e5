"""What the parts of the store's benchmark share: a webhook to write, and a database to write to."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import bson
from pydantic import SecretStr

from cplus.events.base import Cause, NewEvent
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.commit import Draft, Head, prepare
from cplus.events.log.store import ensure_indexes
from cplus.ids import random_id
from cplus.mongo import Mongo, connect
from cplus.settings import Settings

BODY = b'{"id": 1, "note": "' + b"x" * 800 + b'"}'
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
_numbers = itertools.count()
_RUN = random_id(6)  # so that no other process makes the same claims


def draft(shop: str) -> Draft:
    """A webhook of about a kilobyte, as it is recorded."""
    number = next(_numbers)
    return Draft(
        shop=shop,
        claim=f"webhook/orders/updated/{_RUN}/{number}",
        source="webhook",
        actor="shopify",
        events=[NewEvent(f"shop/{shop}", AppUninstalled(), NOW)],
        cause=Cause("webhook", body=BODY, headers={"x-shopify-topic": "orders/updated"}),
        refs=[f"shop/{shop}"],
    )


def document(shop: str) -> dict[str, Any]:
    """The same, as a document that anybody would insert."""
    return bson.decode(prepare(draft(shop)).place(Head.of(None), NOW)[0])


@dataclass(frozen=True)
class Bench:
    """What the parts use."""

    uri: str
    rounds: int
    commits: int

    @asynccontextmanager
    async def mongo(
        self, name: str, driver: Literal["motor", "pymongo"] = "motor"
    ) -> AsyncIterator[Mongo]:
        """A fresh database with the log's indexes."""
        settings = Settings(
            mongo_uri=SecretStr(self.uri), mongo_database=name, mongo_pool=64, mongo_driver=driver
        )
        mongo = connect(settings)
        await mongo.client.drop_database(name)
        await ensure_indexes(mongo.database)
        yield mongo
        await mongo.client.drop_database(name)
        await mongo.close()
