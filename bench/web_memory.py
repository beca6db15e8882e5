"""What walks over all shops, in a process of its own, so that the peak of memory is its own.

`python bench/web_memory.py lag|sweep` prints the peak in MiB; the environment names the database.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.models_rebuild import peak
from cplus.bootstrap import Parts
from cplus.consumers.reactions.registry import REACTIONS
from cplus.consumers.scheduled.sweep import measure_lag, sweep
from cplus.deadline import Deadline
from cplus.events.log.commit import Draft, Head, prepare
from cplus.mongo import Mongo, RawBSONDocument
from cplus.projections.generations.lineage import driven
from cplus.projections.groups import ALL
from cplus.projections.running.runner import Runner
from cplus.subscriptions.checkpoints import CHECKPOINTS

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
BATCH = 10_000


async def fill(mongo: Mongo, shops: int) -> None:
    """A log of so many shops with one commit each, of which every reader has seen the end."""
    targets = await driven(mongo.database, ALL)
    readers = [(one.projection.name, one.projection.collection) for one in targets]
    readers += [(one.name, one.collection) for one in REACTIONS]
    commits: list[Any] = []
    checkpoints: list[dict[str, Any]] = []
    for number in range(shops):
        shop = f"bench{number:06}.myshopify.com"
        draft = Draft(shop, "c", "webhook", "shopify", reason="none")
        raw, _ = prepare(draft).place(Head.of(None), NOW)
        commits.append(RawBSONDocument(raw))
        checkpoints += [
            {
                "_id": f"{collection}/{shop}", "projection": name, "version": 1, "shop": shop,
                "position": 1, "seq": 0, "parked": None, "term": 0, "updated_at": NOW,
            }
            for name, collection in readers
        ]  # fmt: skip
    for name, documents in (("commits", commits), (CHECKPOINTS, checkpoints)):
        for start in range(0, len(documents), BATCH):
            await mongo.database[name].insert_many(documents[start : start + BATCH])


async def peak_of(uri: str, database: str, what: str) -> float:
    """MiB of a process that walks over all shops of the database: `lag`, the command with --json,
    or `sweep`, the function of each hour with the metrics of each minute."""
    settings = {"CPLUS_MONGO_URI": uri, "CPLUS_MONGO_DATABASE": database}
    made = await asyncio.create_subprocess_exec(
        sys.executable, __file__, what, env={**os.environ, **settings}, stdout=PIPE
    )
    said, _ = await made.communicate()
    if made.returncode:
        raise SystemExit(f"{what} over the shops of {database} failed: it says why above")
    return float(said.splitlines()[-1])


def _lag() -> None:
    from cplus.cli import main

    main(["projections", "lag", "--json"], standalone_mode=False)


async def _sweep() -> None:
    parts = Parts()
    runner = Runner(parts.mongo, parts.store, parts.reader, ALL, parts.clock)
    deadline = Deadline.within(600)
    swept = await sweep("all", runner, REACTIONS, parts.reactor, deadline=deadline)
    assert (swept.behind, swept.unfinished) == (0, 0), swept
    await measure_lag(runner, REACTIONS, "ConversationsPlus/bench", parts.clock)
    await parts.close()


if __name__ == "__main__":
    # What they print goes nowhere, but for the peak.
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        if sys.argv[1] == "lag":
            _lag()
        else:
            asyncio.run(_sweep())
    print(peak())
