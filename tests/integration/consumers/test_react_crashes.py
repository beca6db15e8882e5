"""What the reactions promise whoever dies: what an event asks for is handed out, once at least."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from cplus.bootstrap import CREDENTIALS, Parts
from cplus.consumers.reactions.react import REACTIONS, STEPS, Reactor, follow
from cplus.events.base import Event
from cplus.events.catalogue import (
    AppInstalled,
    AppUninstalled,
    Catalogue,
    ConversationStarted,
    OrderDeleted,
    all_events,
)
from cplus.events.log.commit import Commit
from cplus.events.log.mongo_insert import COMMITS
from cplus.events.names import billing_stream
from cplus.ids import random_id
from cplus.mongo import connect
from cplus.privacy.sessions import ENDED
from cplus.shopify.oauth import Tokens
from cplus.subscriptions.checkpoints import CHECKPOINTS, Checkpoint, read_checkpoint
from tests.integration.consumers.test_react import INSTALLED, NOW, handed, reply, write
from tests.integration.crashing import Died, HeardAws, Written, dies_at
from tests.integration.intake import Intake, intake


def started(number: int) -> ConversationStarted:
    return ConversationStarted(
        originator_id=f"conversation/started-{number}",
        originator_version=1,
        timestamp=NOW,
        person="person/a",
        channel="email",
        subject="Tea",
    )


Asked = Sequence[tuple[Event, set[str]]]
"""Events, a commit each, and what each asks for."""

EVERYTHING: Asked = (
    (INSTALLED, {"import"}),
    (reply(1), {"m1"}),
    # Whichever of the two is counted first reaches what the plan allows.
    (started(1), set()),
    (started(2), {"counted", "nudged"}),
    (AppUninstalled(), {"tokens", "sessions"}),
    (reply(2), {"m2"}),
    (OrderDeleted(shopify_order_id=1), set()),
)
PARKING: Asked = ((reply(1), {"m1"}), (INSTALLED, {"import"}), (reply(2), {"m2"}))


@pytest.fixture(scope="module")
async def use(mongo_uri: str, aws_endpoint: str) -> AsyncIterator[Intake]:
    """Parts for all tests, each of which has shops of its own."""
    async with intake(mongo_uri, free_conversations=1) as made:
        yield made


@dataclass
class Shop:
    """A shop whose log asks for things, and what of them was handed out so far."""

    use: Intake
    asked: Asked
    name: str = field(default_factory=lambda: f"{random_id()}.myshopify.com")
    found: set[str] = field(default_factory=set)

    async def begin(self) -> None:
        """Writes its log."""
        await self.use.parts.credentials.save(self.name, Tokens(access_token="token"))
        after = datetime.now(UTC) + timedelta(seconds=1)  # so an uninstall is news of that token
        await write(self.use, *(event for event, _ in self.asked), shop=self.name, at=after)

    async def died(self, reactor: Reactor, step: str, time_of_death: int) -> bool:
        """Follows it until death; False where that never came, and it was followed to the end."""
        try:
            await follow(self.name, replace(reactor, at_step=dies_at(step, time_of_death)))
        except Died:
            return True
        finally:
            await self.look()
        return False

    async def look(self) -> Checkpoint:
        """Finds what was handed out since the last look; no checkpoint is past what was not."""
        parts = self.use.parts
        at = await read_checkpoint(parts.mongo.database, REACTIONS, self.name)
        imports, sends = await handed(self.use)
        self.found |= {"import" for one in imports if one["shop"] == self.name}
        self.found |= {one["message_id"] for one in sends if one["shop"] == self.name}
        decided = {commit.position for commit in await self.decisions()}
        nudges = await self.use.nudges()
        told = {one["position"] for one in nudges if one["shop"] == self.name}
        self.found |= {"counted"} if decided else set()
        self.found |= {"nudged"} if decided & told else set()
        if await parts.mongo.keyring[CREDENTIALS].find_one({"_id": self.name}) is None:
            self.found.add("tokens")
        if await parts.mongo.database[ENDED].find_one({"_id": f"shop/{self.name}"}) is not None:
            self.found.add("sessions")
        passed = (wanted for _, wanted in self.asked[: at.position])
        assert set().union(*passed) <= self.found
        return at

    async def decisions(self) -> list[Commit]:
        stream = billing_stream(self.name)
        return [one async for one in self.use.parts.store.iterate_stream(self.name, stream)]


@pytest.mark.parametrize("step", STEPS)
async def test_reactions_that_die_at_any_step_lose_nothing_and_count_once(
    use: Intake, step: str
) -> None:
    reactor = replace(use.parts.reactor, batch=2)
    for time_of_death in count(1):
        shop = Shop(use, EVERYTHING)
        await shop.begin()
        died = await shop.died(reactor, step, time_of_death)
        await follow(shop.name, reactor)
        at = await shop.look()
        assert shop.found == set().union(*(wanted for _, wanted in EVERYTHING))
        [decision] = await shop.decisions()
        assert [one["type"] for one in decision.documents] == [
            "billing.account_opened",
            "billing.allowance_reached",
        ]
        assert (at.position, at.parked) == (decision.position, None) == (8, None)
        if not died:
            assert time_of_death > 1, "nobody ever died there"
            break


@pytest.mark.parametrize(
    "step", ["read_checkpoint", "read_log", "send_import", "send_reply", "move_checkpoint"]
)
async def test_to_die_around_a_parked_commit_loses_nothing(use: Intake, step: str) -> None:
    newer = use.parts.reactor
    old = replace(newer, catalogue=Catalogue(set(all_events()) - {AppInstalled}))
    for time_of_death in count(1):
        shop = Shop(use, PARKING)
        await shop.begin()
        deaths = 0
        for reactor, stands in ((old, (1, "app.installed")), (newer, (3, None))):
            deaths += await shop.died(reactor, step, time_of_death)
            await follow(shop.name, reactor)
            at = await shop.look()
            assert (at.position, at.parked and at.parked.type) == stands
        assert {"m1", "import", "m2"} <= shop.found
        if not deaths:
            assert time_of_death > 1, "nobody ever died there"
            break


async def test_everything_that_is_stored_or_sent_stands_behind_a_step(use: Intake) -> None:
    """So that to die at each step is to die between any two of it."""
    written = Written()
    settings = use.parts.settings
    mongo, aws = connect(settings, [written]), HeardAws(written)
    heard = Parts(settings, mongo=mongo, aws=aws)
    shop = f"{random_id()}.myshopify.com"
    try:
        reactor = replace(heard.reactor, at_step=written.step)
        for event, _ in EVERYTHING:  # one at a time: side by side nobody knows whose it is
            await write(use, event, shop=shop)
            await follow(shop, reactor)
    finally:
        await mongo.close()
        await aws.close()
    assert written.by_step() == {
        **{step: {()} for step in STEPS},
        "send_import": {("SendMessage",)},
        "send_reply": {("SendMessage",)},
        "count": {(f"insert {COMMITS}", "PublishBatch"), ()},
        "forget_tokens": {(f"delete {CREDENTIALS}",)},
        "end_sessions": {(f"update {ENDED}",)},
        "begin_checkpoint": {(f"insert {CHECKPOINTS}",)},
        "move_checkpoint": {(f"update {CHECKPOINTS}",)},
    }
