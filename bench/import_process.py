"""One import, run after run, in a process of its own, so that the peak of memory is its own.

`python bench/import_process.py BULK_OVER SECONDS` imports the shop of the benchmark with runs of so
many seconds, and prints as JSON how many there were and the peak in MiB; the environment names the
database and where Shopify is.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.intake_input import SHOP, Bucket, Quiet
from bench.models_rebuild import peak
from cplus.bootstrap import Parts
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.imports.customer_import import handle
from cplus.consumers.imports.importer import Importer
from cplus.deadline import Deadline
from cplus.leases import Leases
from cplus.logs import configure
from cplus.settings import Settings

_LONGEST = 2.0  # seconds that a delay is waited for: the queue's are minutes


async def _import(bulk_over: int, seconds: float) -> dict[str, Any]:
    parts = Parts(Settings(), aws=Bucket(), nudger=Quiet())
    left: list[tuple[Mapping[str, Any], int]] = []

    async def send(message: Mapping[str, Any], *, group: str, delay: int) -> None:
        assert group == SHOP
        left.append((message, delay))

    use = Importer(
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
        page_size=150,
        clock=parts.clock,
        bulk_over=bulk_over,
    )
    message: Mapping[str, Any] = {"shop": SHOP, "import_id": "bench"}
    runs, began = 0, time.perf_counter()
    while True:
        runs += 1
        record = SqsRecord("m", json.dumps(message), "import", {})
        assert await handle([record], use, Deadline.within(seconds)) == []
        if not left:
            break
        before = message
        message, delay = left.pop()
        runs -= message == before  # the shop was in another's hands: nothing was done
        await asyncio.sleep(min(delay, _LONGEST))
    took = time.perf_counter() - began
    await parts.close()
    return {"runs": runs, "seconds": took, "peak": peak()}


if __name__ == "__main__":
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        configure("info", stream=nowhere)  # as in production, log lines are made; none is shown
        found = asyncio.run(_import(int(sys.argv[1]), float(sys.argv[2])))
    print(json.dumps(found))
