"""A process that appends mails of Ada and of Bea for each line that it is sent, and answers with a
line once they are in the log: `python -m tests.integration.privacy.erasing_writer NAME DATABASE
SOCKET`, with the connection string in CPLUS_MONGO_URI."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys

from pydantic import SecretStr

from cplus.events.log.outcomes import Appended
from cplus.mongo import connect
from cplus.settings import Settings
from tests.integration.privacy.sealing_world import ADA, BEA, OLD, Process, mail


async def main(name: int, database: str, socket: str) -> None:
    """Writes as often as it is asked to."""
    settings = Settings(
        mongo_uri=SecretStr(os.environ["CPLUS_MONGO_URI"]),
        mongo_database=database,
        mongo_keyring_database=f"{database}_keyring",
    )
    mongo = connect(settings)
    process = Process(mongo)
    asked, answers = await asyncio.open_unix_connection(socket)
    for number in itertools.count(name * 1_000_000, 10):
        if not await asked.readline():
            break
        drafts = [mail(number + at, person) for at, person in enumerate((ADA, BEA, OLD))]
        assert all(isinstance(one, Appended) for one in await process.store.append(drafts))
        answers.write(b"done\n")
    answers.close()
    await mongo.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
