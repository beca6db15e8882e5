"""Importing a shop of 100,000 customers from a Shopify that runs here: by pages and in bulk.

`python bench/bench_import.py [--only PART …]` writes bench/results/import.json. The import runs in
a process of its own, in runs that are too short for it, so that it hands over; the one in bulk is
also killed once. It starts a mongod of its own, and takes some ten minutes.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pydantic import SecretStr

from bench.intake_input import SHOP, Bucket, Quiet
from bench.measure import Figure, figure, fresh, plain, run_parts
from cplus.bootstrap import Parts
from cplus.events.catalogue.customers import CustomerImported
from cplus.events.log.store import COMMITS
from cplus.local.shopify import LocalShop, LocalShopify
from cplus.settings import Settings
from cplus.shopify.oauth import Tokens

MANY, FEW = 100_000, 10_000
RATE, BUCKET = 1_000.0, 20_000.0
"""Points a second of Shopify Plus, and what its bucket holds."""
RUN = 60.0
"""Seconds of a run; the last 18 begin no page."""
BULK_RUN = 8.0
"""The same where a file is read, which is quicker than pages are asked for."""
SLOW_RATE, SLOW_BUCKET = 200.0, 4_000.0
"""The same of the plan Advanced, which any machine keeps up with."""
LAST = 903.0
"""Points that must be there for a page to be asked for."""
_SECRET = "shpss_that-is-only-for-benchmarks-0123"
_APPLICATION = "a secret that is only for benchmarks"


@dataclass
class Imported:
    """What an import did."""

    runs: int
    seconds: float
    peak: float
    asked: int
    throttled: int
    points: float
    customers: int
    """That were recorded."""
    different: int
    """How many of them are not the same."""


@dataclass
class _Seen:
    asked: int = 0
    throttled: int = 0
    points: float = 0.0

    def see(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Counts an answer of the Admin API."""
        actual = answer["extensions"]["cost"]["actualQueryCost"]
        self.asked += 1
        self.throttled += actual is None
        self.points += actual or 0
        return answer


@dataclass
class Bench:
    """What the parts use."""

    uri: str
    rounds: int

    async def imported(
        self,
        customers: int,
        rate: float,
        bulk_over: int,
        *,
        bucket: float = BUCKET,
        killed_at: int | None = None,
        run: float = RUN,
    ) -> Imported:
        """A shop of so many customers, imported in runs of so many seconds; the process is killed
        once `killed_at` are there."""
        shopify = LocalShopify(client_id="client-id", client_secret=_SECRET)
        await shopify.start()
        settings = Settings(
            mongo_uri=SecretStr(self.uri),
            mongo_database="bench_import",
            mongo_keyring_database="bench_import_keyring",
            application_secret=SecretStr(_APPLICATION),
            shopify_client_id="client-id",
            shopify_client_secret=SecretStr(_SECRET),
            shopify_origin=shopify.origin,
        )
        try:
            async with fresh(Parts(settings, aws=Bucket(), nudger=Quiet())) as parts:
                await _install(shopify, parts, customers, rate, bucket)
                seen = _Seen()
                shopify.changed[SHOP] = seen.see
                process = await _process(self.uri, shopify, bulk_over, run)
                if killed_at is not None:
                    await _reached(parts, killed_at, process)
                    process.kill()
                    await process.wait()
                    process = await _process(self.uri, shopify, bulk_over, run)
                said, _ = await process.communicate()
                if process.returncode:
                    raise SystemExit("the import failed: it says why above")
                total, different = await _recorded(parts)
                asked = (seen.asked, seen.throttled, seen.points)
                told = json.loads(said.splitlines()[-1])
                return Imported(
                    told["runs"], told["seconds"], told["peak"], *asked, total, different
                )
        finally:
            await shopify.stop()

    async def pages(self) -> list[Figure]:
        """By pages, at the budget of a large shop."""
        few = await self.imported(FEW, RATE, MANY, bucket=1_000_000)
        many = await self.imported(MANY, RATE, MANY)
        name = f"import of {MANY:,} customers by pages"
        return [
            *_pace(name, many, RATE, BUCKET),
            *_shared(name, many, few),
            plain(f"{name}, pace", many.customers / many.seconds, "customers/s"),
        ]

    async def pace(self) -> list[Figure]:
        """By pages, at a budget that is less than the machine could do."""
        some = await self.imported(FEW, SLOW_RATE, MANY, bucket=SLOW_BUCKET)
        return _pace(f"import of {FEW:,} customers by pages", some, SLOW_RATE, SLOW_BUCKET)

    async def bulk(self) -> list[Figure]:
        """By a bulk operation, with one kill."""
        few = await self.imported(FEW, RATE, FEW - 1, run=BULK_RUN)
        many = await self.imported(MANY, RATE, FEW - 1, killed_at=MANY // 3, run=BULK_RUN)
        name = f"import of {MANY:,} customers in bulk, killed once"
        return [
            *_shared(name, many, few),
            plain(f"{name}, requests of the Admin API", many.asked, "requests"),
        ]


def _pace(name: str, done: Imported, rate: float, bucket: float) -> list[Figure]:
    """What was spent of what the bucket held, but for the cost of a page, and what was restored."""
    allowed = (bucket - LAST) / done.seconds + rate
    budget = f"what a bucket of {bucket:,.0f} points allows that restores {rate:,.0f} a second"
    requests = [(done.throttled, done.asked)]
    return [
        figure(
            f"{name}, points spent",
            "a second",
            [(done.points / done.seconds, allowed)],
            budget,
            at_least=0.9,
        ),
        figure(
            f"{name}, requests that were throttled",
            "requests",
            requests,
            "all requests",
            at_most=0.01,
        ),
    ]


def _shared(name: str, many: Imported, few: Imported) -> list[Figure]:
    recorded, ids = [(many.customers, MANY)], [(many.different, MANY)]
    return [
        figure(f"{name}, recorded", "customers", recorded, "all", at_least=1.0),
        figure(f"{name}, different ones", "customers", ids, "all", at_least=1.0),
        plain(f"{name}, hand-overs to another run", many.runs - 1, "runs", "at least 3"),
        figure(
            f"peak memory, {name}",
            "MiB",
            [(many.peak, few.peak)],
            f"the same of {FEW:,}",
            at_most=1.1,
        ),
    ]


async def _install(
    shopify: LocalShopify, parts: Parts, customers: int, rate: float, bucket: float
) -> None:
    shop = LocalShop(
        host=SHOP,
        name="Bench",
        email="owner@example.com",
        generated=customers,
        maximum_available=bucket,
        restore_rate=rate,
    )
    shopify.add_shop(shop)
    code = shopify.grants.code(SHOP, "read_customers,read_orders")
    answer = shopify.grants.tokens(
        SHOP,
        {"client_id": "client-id", "client_secret": _SECRET, "code": code, "expiring": "1"},
    )
    await parts.credentials.save(SHOP, Tokens.model_validate(answer))


async def _process(uri: str, shopify: LocalShopify, bulk_over: int, run: float) -> Process:
    settings = {
        "CPLUS_MONGO_URI": uri,
        "CPLUS_MONGO_DATABASE": "bench_import",
        "CPLUS_MONGO_KEYRING_DATABASE": "bench_import_keyring",
        "CPLUS_APPLICATION_SECRET": _APPLICATION,
        "CPLUS_SHOPIFY_CLIENT_ID": "client-id",
        "CPLUS_SHOPIFY_CLIENT_SECRET": _SECRET,
        "CPLUS_SHOPIFY_ORIGIN": shopify.origin,
    }
    program = Path(__file__).with_name("import_process.py")
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(program), str(bulk_over), str(run)),
        env={**os.environ, **settings},
        stdout=PIPE,
    )


async def _reached(parts: Parts, customers: int, process: Process) -> None:
    """Waits until about so many customers are in the log."""
    while process.returncode is None:
        if (await parts.store.head(SHOP)).position * 150 >= customers:
            return
        await asyncio.sleep(0.2)
    raise SystemExit("the import ended before it could be killed")


async def _recorded(parts: Parts) -> tuple[int, int]:
    """How many customers were recorded, and how many different ones."""
    total, ids = 0, set[int]()
    wanted = {"shop": SHOP}
    fields = {"events.type": 1, "events.data.shopify_customer_id": 1}
    async for commit in parts.mongo.database[COMMITS].find(wanted, fields):
        for event in commit["events"]:
            if event["type"] == CustomerImported.TYPE:
                total += 1
                ids.add(event["data"]["shopify_customer_id"])
    return total, len(ids)


PARTS: dict[str, Callable[[Bench], Awaitable[list[Figure]]]] = {
    "pages": Bench.pages,
    "pace": Bench.pace,
    "bulk": Bench.bulk,
}

if __name__ == "__main__":
    run_parts("import", PARTS, Bench, about=__doc__, rounds=1)
