"""People whom the directory knows, and when they were erased."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cplus.mongo import Mongo
from cplus.privacy.identities import Resolved
from cplus.privacy.persons import PERSONS, PersonDirectory

SHOP, OTHER = "acorn.myshopify.com", "birch.myshopify.com"
ADA, DESK, NEW = "ada@shopper.example", "desk@example.com", "new@example.com"


def at(minutes: int) -> datetime:
    return datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=minutes)


BEFORE, ERASED, LATER = at(1), at(10), at(20)


async def found(persons: PersonDirectory, **asked: Any) -> Resolved:
    answer = await persons.resolve(SHOP, **asked)
    assert answer is not None
    return answer


async def who(persons: PersonDirectory, **asked: Any) -> str:
    return (await found(persons, **asked)).person


async def rows(mongo: Mongo) -> list[dict[str, Any]]:
    return list(await mongo.keyring[PERSONS].find(sort=[("_id", 1)]).to_list(None))


async def a_customer(persons: PersonDirectory) -> str:
    """A customer who had one address, and has another now."""
    await persons.resolve(SHOP, shopify_id=1, address=DESK, at=at(0))
    return await who(persons, shopify_id=1, address=ADA, at=BEFORE)
