"""What the tests of reconciliations share: a shop with the app, imported before its day."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import structlog

from cplus.bootstrap import Parts
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.imports.customer_import import handle
from cplus.consumers.imports.importer import Importer
from cplus.consumers.imports.reconciler import RECONCILE, RECONCILE_HOUR, Reconciler, hand_out
from cplus.consumers.imports.reconciling import reconcile
from cplus.consumers.webhooks import record as webhooks
from cplus.deadline import Deadline
from cplus.events.base import Cause, NewEvent
from cplus.events.catalogue.shops import AppInstalled
from cplus.events.log.commit import Commit, Draft
from cplus.events.names import INSTALLED_REF, install_import, shop_stream
from cplus.leases import Leases
from cplus.local.shopify import LocalCustomer, LocalShop, LocalShopify
from cplus.projections.groups import ALL
from cplus.projections.running.runner import Runner
from cplus.shopify.oauth import Tokens
from tests.integration.intake import SECRET, Intake, emptied, record, soon

SHOP: Final = "blue-jam.myshopify.com"
ID: Final = 548380009
SCOPES: Final = "read_customers,read_orders"


@dataclass
class World:
    """A shop, and what works on it."""

    parts: Parts
    reconciler: Reconciler
    shopify: LocalShopify
    now: datetime
    sent: list[tuple[dict[str, Any], int]]
    """Messages that were sent to the queue of imports, each with its delay."""

    async def commits(self) -> list[Commit]:
        return await self.parts.store.read(SHOP, 0)

    async def folded(self) -> None:
        """Brings all read models on."""
        parts = self.parts
        runner = Runner(parts.mongo, parts.store, parts.reader, ALL, parts.clock)
        for projection in ALL:
            await runner.catch_up(projection, SHOP)

    def message(self, day: str, **given: Any) -> dict[str, Any]:
        return {"shop": SHOP, RECONCILE: day, **given}

    async def does(self, message: dict[str, Any], limit: Deadline | None = None) -> list[str]:
        """The message comes from the queue; the ids of messages that failed."""
        others = {
            RECONCILE: partial(reconcile, self.reconciler),
            RECONCILE_HOUR: partial(hand_out, self.reconciler),
        }
        importer = self.reconciler.importer
        return await handle([record(message)], importer, limit or soon(), others)

    async def reconciled(self, day: str) -> dict[str, Any]:
        """Compares the shop until it is done; what the log line tells of it."""
        await self.folded()
        with structlog.testing.capture_logs() as lines:
            assert await self.does(self.message(day)) == []
            while self.sent:
                message, _ = self.sent.pop()
                assert await self.does(message) == []
        await self.folded()
        found = [one for one in lines if one["event"] == "reconciled"]
        return dict(found[0]) if found else {}

    async def hears(self, messages: Sequence[SqsRecord]) -> None:
        """Webhooks come."""
        for start in range(0, len(messages), 25):
            some = messages[start : start + 25]
            assert await webhooks.handle(some, self.parts.webhooks, soon()) == []

    def has(self, customers: list[LocalCustomer], orders: list[dict[str, Any]]) -> None:
        """The shop has these customers and orders now, and no others."""
        shop = self.shopify.store.state.shops[SHOP]
        shop.customers, shop.orders = customers, orders


async def world(
    shared: Intake, shopify: LocalShopify, now: datetime, *, scopes: str = SCOPES, page: int = 4
) -> World:
    """The app was installed at that time, and an import of nobody is complete."""
    before = (await emptied(shared)).parts

    def clock() -> datetime:
        return made.now

    parts = Parts(before.settings, clock, mongo=before.mongo, aws=before.aws, http=before.http)
    shopify.add_shop(
        LocalShop(host=SHOP, id=ID, name="Blue Jam", email="o@example.com", currency="EUR")
    )
    sent: list[tuple[dict[str, Any], int]] = []

    async def send(message: Any, *, group: str, delay: int) -> None:
        assert group in (message.get("shop"), RECONCILE, RECONCILE_HOUR)
        sent.append((json.loads(json.dumps(message)), delay))

    importer = Importer(
        store=parts.store,
        persons=parts.persons,
        listed=parts.listed,
        bodies=parts.bodies,
        credentials=parts.credentials,
        leases=Leases(parts.mongo.database),
        rows=parts.queries,
        recorder=parts.recorder,
        send=send,
        origin=parts.settings.shopify_origin,
        api_version=parts.settings.shopify_api_version,
        page_size=page,
        clock=clock,
    )
    reconciler = Reconciler(importer, parts.credentials.shops, "Test")
    made = World(parts, reconciler, shopify, now, sent)
    made.has([], [])
    await installed(made, scopes)
    return made


async def installed(made: World, scopes: str = SCOPES, *, imported: bool = True) -> None:
    """The app is installed, and its import is done."""
    fields = {
        "client_id": "client-id",
        "client_secret": SECRET,
        "code": made.shopify.grants.code(SHOP, scopes),
        "expiring": "1",
    }
    tokens = Tokens.model_validate(made.shopify.grants.tokens(SHOP, fields))
    await made.parts.credentials.save(SHOP, tokens)
    stream = shop_stream(SHOP)
    version = 1 + len(await made.parts.store.by_ref(SHOP, INSTALLED_REF, 10))
    app = AppInstalled(
        originator_id=stream,
        originator_version=version,
        timestamp=made.now,
        scopes=tuple(scopes.split(",")),
        shop_name="Blue Jam",
    )
    draft = Draft(
        shop=SHOP,
        claim=f"install/{version}",
        source="install",
        actor="merchant",
        events=[NewEvent.decided(app)],
        cause=Cause("install"),
        refs=[stream, INSTALLED_REF],
    )
    await made.parts.recorder.append([draft])
    if imported:
        import_id = install_import(f"{draft.id}/0")
        message = {"shop": SHOP, "import_id": import_id, "cursor": None, "page": 1}
        assert await made.does(message) == []


def later(made: World, **given: float) -> None:
    """Time passes."""
    made.now += timedelta(**given)
