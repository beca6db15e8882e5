"""What the tests of imports share: a shop with customers in a Shopify that runs here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from cplus.consumers.imports.importer import Importer
from cplus.deadline import Deadline
from cplus.events.base import Recorded
from cplus.events.catalogue.customers import CustomerImported
from cplus.local.shopify import LocalCustomer, LocalShop, LocalShopify
from cplus.shopify.oauth import Tokens
from tests.integration.intake import SECRET, Intake, record

SHOP = "blue-jam.myshopify.com"


def customer(number: int, **given: Any) -> LocalCustomer:
    return LocalCustomer(
        id=number,
        first_name=f"First{number}",
        email=f"Person{number}@example.com",
        phone="+15550100" if number % 2 else None,
        tags=["vip"],
        number_of_orders=2,
        spent="12.50",
        email_marketing="SUBSCRIBED",
        updated_at="2026-02-03T04:05:06Z",
        **given,
    )


async def installed(
    use: Intake,
    shopify: LocalShopify,
    customers: int,
    scope: str = "read_customers,read_orders",
    host: str = SHOP,
    **shop: Any,
) -> None:
    """The shop with so many customers, and the app installed there."""
    people = [customer(number + 1) for number in range(customers)]
    shopify.add_shop(
        LocalShop(host=host, name="Blue Jam", email="o@jam.example.com", customers=people, **shop)
    )
    code = shopify.grants.code(host, scope)
    app = use.parts.app
    answer = shopify.grants.tokens(
        host,
        {
            "client_id": app.client_id,
            "client_secret": SECRET,
            "code": code,
            "expiring": "1",
        },
    )
    await use.parts.credentials.save(host, Tokens.model_validate(answer))


def asked(import_id: str = "i1", **given: Any) -> Any:
    return record({"shop": SHOP, "import_id": import_id, "cursor": None, "page": 1} | given)


async def at_once(_seconds: float) -> None:
    """A wait that takes no time."""


def sending(importer: Importer) -> tuple[Importer, list[tuple[dict[str, Any], int]]]:
    """The importer, and a list that what it sends goes to: messages, each with its delay."""
    sent: list[tuple[dict[str, Any], int]] = []

    async def send(message: Any, *, group: str, delay: int) -> None:
        assert group == SHOP
        sent.append((dict(message), delay))

    return replace(importer, send=send), sent


def counted(shopify: LocalShopify) -> list[dict[str, Any]]:
    """A list that each answer of the Admin API is added to from now on."""
    seen: list[dict[str, Any]] = []

    def see(answer: dict[str, Any]) -> dict[str, Any]:
        seen.append(answer)
        return answer

    shopify.changed[SHOP] = see
    return seen


def for_one_page(importer: Importer) -> tuple[Importer, Deadline]:
    """The importer, and a time limit that comes near with each page that it records."""
    now = 0.0

    def recorded() -> datetime:
        nonlocal now
        now = 95
        return importer.clock()

    return replace(importer, clock=recorded), Deadline.within(100, lambda: now)


async def events(use: Intake) -> list[Recorded]:
    commits = await use.parts.store.read(SHOP, 0)
    return [told for events in await use.parts.reader.read(commits) for told in events]


async def imported(use: Intake) -> list[int]:
    return [
        told.event.shopify_customer_id
        for told in await events(use)
        if isinstance(told.event, CustomerImported)
    ]


async def waiting(use: Intake) -> list[dict[str, Any]]:
    return [one.json() for one in await use.drain(use.parts.settings.import_queue)]
