"""What recording a look promises, on a log in memory."""

from __future__ import annotations

from cplus.actors import operator
from cplus.clock import utc_now
from cplus.commands.looking import Looks, look
from cplus.events.log.memory import MemoryCommits
from cplus.events.log.store import EventStore
from cplus.events.names import LOOKED_REF
from cplus.events.reader import EventReader
from cplus.events.recording import Recorder
from tests.integration.fold_world import SHOP, write
from tests.nudges import Nudges
from tests.samples import installed


async def test_each_look_is_recorded_and_found_by_what_it_was_at() -> None:
    store = EventStore(MemoryCommits())
    use = Looks(Recorder(store, EventReader(), Nudges()), utc_now)

    async def looked(about: str, shop: str = SHOP) -> int | None:
        return await look(
            shop, question="log show", about=about, actor=operator("jo"), source="cli", use=use
        )

    assert await looked("position/1") is None
    assert await store.heads() == {}, "a look begins no log"
    await write(store, installed())
    assert [await looked(about) for about in ("position/1", "person/p1", "person/p1")] == [2, 3, 4]
    found = [commit.position for commit in await store.by_ref(SHOP, LOOKED_REF)]
    assert found == [4, 3, 2]
    assert [commit.position for commit in await store.by_ref(SHOP, "person/p1")] == [4, 3]
