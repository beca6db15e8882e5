"""A rebuild of conversations as a work to be timed; by itself, in a process of its own.

`python bench/models_rebuild.py URI DATABASE` rebuilds once and prints {"rate", "peak"}: events a
second, and the most memory that the process ever had, in MiB.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.measure import Work, rate
from cplus.events.log.sealing import OpeningKeys
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo, connect
from cplus.projections.base import Projection
from cplus.projections.generations.drop import drop
from cplus.projections.generations.lineage_changes import begin
from cplus.projections.generations.rebuild import fill, filler
from cplus.projections.generations.switch import switch_over
from cplus.projections.generations.workers import fill_in_processes
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.settings import Settings
from cplus.subscriptions.checkpoints import CHECKPOINTS


def settings_of(uri: str, database: str) -> Settings:
    """For a database of the bench's MongoDB."""
    return Settings(mongo_uri=SecretStr(uri), mongo_database=database, mongo_pool=16)


def rebuilding(
    mongo: Mongo,
    settings: Settings,
    workers: int = 1,
    *,
    projection: Projection = CONVERSATIONS,
    keys: OpeningKeys | None = None,
) -> Work:
    """Folds everything into a new generation and reads from it; answers the events."""

    async def work() -> int:
        store = EventStore(mongo)
        target = await begin(mongo.database, projection)
        shops = sorted(await store.heads())
        runner = filler(mongo, store, EventReader(keys=keys), target)
        if workers > 1:
            await fill_in_processes(settings, runner, target, shops, workers, asyncio.Event())
        else:
            await fill(runner, target, shops)
        await switch_over(runner, target)
        rows = mongo.database[CHECKPOINTS].find({"_id": {"$regex": f"^{target.collection}/"}})
        return sum(row["seq"] for row in await rows.to_list(None))

    return work


async def clean(mongo: Mongo, projection: Projection = CONVERSATIONS) -> None:
    """Drops what rounds before left."""
    await drop(mongo.database, projection.name, timedelta(0))


async def alone(uri: str, database: str) -> tuple[float, float]:
    """The rate and the peak of one rebuild in a process of its own."""
    made = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, database),
        env={**os.environ, "CPLUS_MONGO_URI": uri},  # arguments can be read by every user
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await made.communicate()
    if made.returncode:
        raise SystemExit(f"the rebuild of {database} failed: it says why above")
    told = json.loads(said)
    return told["rate"], told["peak"]


async def _main(uri: str, database: str) -> None:
    settings = settings_of(uri, database)
    mongo = connect(settings)
    found = await rate(rebuilding(mongo, settings))
    high = peak()
    await clean(mongo)
    await mongo.close()
    print(json.dumps({"rate": found, "peak": high}))


def peak() -> float:
    """The most memory that this program had, in MiB.

    Where there is /proc, from there: what getrusage tells begins with what the program that
    started this one had.
    """
    status = Path("/proc/self/status")
    if status.exists():
        [line] = [one for one in status.read_text().splitlines() if one.startswith("VmHWM:")]
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


if __name__ == "__main__":
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))  # warnings
    asyncio.run(_main(os.environ["CPLUS_MONGO_URI"], sys.argv[1]))
