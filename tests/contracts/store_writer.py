"""A process that writes to shops until it is told to end, and says what was acknowledged.

Run as `python -m tests.contracts.store_writer URI DATABASE NAME SHOP,SHOP BATCH`. Each line of its
output is a JSON list of [shop, claim, position]; it ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import sys

from pydantic import SecretStr

from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import AlreadyRecorded, Appended
from cplus.events.log.store import EventStore
from cplus.mongo import connect
from cplus.settings import Settings


async def main(uri: str, database: str, name: str, shops: list[str], batch: int) -> None:
    mongo = connect(Settings(mongo_uri=SecretStr(uri), mongo_database=database))
    store = EventStore(mongo)
    ended = asyncio.ensure_future(asyncio.to_thread(sys.stdin.read))
    number = 0
    while not ended.done():
        drafts = [
            Draft(shops[(number + i) % len(shops)], f"{name}/{number + i}", "test", "test")
            for i in range(batch)
        ]
        number += batch
        while drafts and not ended.done():
            outcomes = await store.append(drafts)
            said = [
                [draft.shop, draft.claim, outcome.position]
                for draft, outcome in zip(drafts, outcomes, strict=True)
                if isinstance(outcome, Appended | AlreadyRecorded)
            ]
            print(json.dumps(said), flush=True)
            # What became of the others is not known: the same claim, asked again, tells.
            known = {claim for _, claim, _ in said}
            drafts = [draft for draft in drafts if draft.claim not in known]
    await mongo.close()


if __name__ == "__main__":
    to, where, own, listed, size = sys.argv[1:]
    asyncio.run(main(to, where, own, listed.split(","), int(size)))
