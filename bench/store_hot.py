"""Part of the store's benchmark: eight processes write to one shop at once."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.measure import Figure, figure
from bench.store_bench import Bench, draft
from cplus.events.log.outcomes import Appended
from cplus.events.log.store import EventStore
from cplus.mongo import connect
from cplus.settings import Settings

PROCESSES = 8
SECONDS = 6.0
"""Of one round. Turns are drawn by chance and last 45 ms: in 2 seconds each of eight processes gets
five or six, which says more about chance than about fairness."""


async def hot(bench: Bench) -> list[Figure]:
    """Single commits and batches of 25, by one process alone and by eight at once."""
    async with bench.mongo("bench_hot"):
        workers = [await _start(bench.uri) for _ in range(PROCESSES)]
        shared, fair, batched = [], [], []
        for number in range(bench.rounds):
            # Each on a shop of its own: nobody remembers whom it met in the round before.
            alone = await _round(workers[:1], f"alone-{number}", 1)
            counts = await _round(workers, f"singles-{number}", 1)
            many = await _round(workers, f"batches-{number}", 25)
            shared.append((sum(counts), sum(alone)))
            fair.append((min(counts), statistics.mean(counts)))
            batched.append((sum(many), sum(counts)))
        for worker in workers:
            if worker.stdin:
                worker.stdin.close()
            await worker.wait()
    return [
        figure(
            "one hot shop, 8 processes, single commits",
            "commits/s",
            shared,
            "one process alone",
            at_least=0.55,
        ),
        figure(
            f"one hot shop, 8 processes, the slowest in {SECONDS:g} seconds",
            "commits/s",
            fair,
            "the mean of the eight",
            at_least=0.6,
        ),
        figure(
            "one hot shop, 8 processes, batches of 25",
            "commits/s",
            batched,
            "single commits of the same eight",
            at_least=10,
        ),
    ]


async def _start(uri: str) -> asyncio.subprocess.Process:
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__),
        env={**os.environ, "CPLUS_MONGO_URI": uri},  # arguments can be read by every user
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    await _say(worker, "ready 0")
    return worker


async def _say(worker: asyncio.subprocess.Process, line: str) -> float:
    if not worker.stdin or not worker.stdout:
        raise RuntimeError("the worker has no pipes")
    worker.stdin.write(f"{line}\n".encode())
    await worker.stdin.drain()
    return float(await worker.stdout.readline())


async def _round(workers: list[asyncio.subprocess.Process], shop: str, batch: int) -> list[float]:
    return await asyncio.gather(*(_say(worker, f"{shop} {batch}") for worker in workers))


async def _work() -> None:
    """A worker: for each line it writes for a while, and answers its commits a second."""
    mongo = connect(Settings(mongo_database="bench_hot"))
    store = EventStore(mongo)
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        shop, batch = line.split()
        written, began = 0, time.perf_counter()
        while time.perf_counter() < began + SECONDS * bool(int(batch)):
            outcomes = await store.append([draft(shop) for _ in range(int(batch))])
            written += sum(isinstance(outcome, Appended) for outcome in outcomes)
        print(written / (time.perf_counter() - began), flush=True)
    await mongo.close()


if __name__ == "__main__":
    asyncio.run(_work())
