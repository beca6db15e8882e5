"""What the reactions promise whoever dies: what an event asks for is handed out, once at least."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from cplus.aws import Aws
from cplus.bootstrap import CREDENTIALS, Parts
from cplus.consumers.reactions.allowances import ALLOWANCES
from cplus.consumers.reactions.carrying_over import REACT
from cplus.consumers.reactions.erasures import ERASURES
from cplus.consumers.reactions.following import PAUSES, follow, steps_of
from cplus.consumers.reactions.imports import IMPORTS
from cplus.consumers.reactions.notices import NOTICES
from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.consumers.reactions.registry import REACTIONS
from cplus.consumers.reactions.replies import REPLIES
from cplus.consumers.reactions.uninstalls import UNINSTALLS
from cplus.consumers.scheduled.due import DUE
from cplus.events.base import Event, Recorded
from cplus.events.catalogue import Catalogue, all_events
from cplus.events.catalogue.orders import OrderDeleted
from cplus.events.catalogue.shops import AppInstalled, AppUninstalled
from cplus.events.log.commit import Commit
from cplus.events.log.mongo_insert import COMMITS
from cplus.events.names import billing_stream, notice_claim
from cplus.events.reader import EventReader
from cplus.ids import random_id
from cplus.mongo import connect
from cplus.privacy.sessions import ENDED
from cplus.shopify.oauth import Tokens
from cplus.subscriptions.checkpoints import CHECKPOINTS, Checkpoint, read_checkpoint
from cplus.workspace import Drafts, Members, Presence, ReadMarks, Undoes
from cplus.workspace.push_subscriptions import ROWS
from tests.integration.consumers.reactions.reactions_world import (
    INSTALLED,
    asked,
    erasure,
    handed,
    notice,
    reply,
    started,
    unseen,
    write,
)
from tests.integration.crashing import Died, HeardAws, Written, dies_at
from tests.integration.intake import Intake, intake

_OF_STAFF = (Members.NAME, ReadMarks.NAME, Presence.NAME, Drafts.NAME, Undoes.NAME)
"""What is forgotten of those who work in a shop, in this order."""

Asked = Sequence[tuple[Event, set[str]]]
"""Events, a commit each, and what each asks for."""

DOES: Mapping[str, set[str]] = {
    IMPORTS.name: {"import"},
    REPLIES.name: {"m1", "m2"},
    UNINSTALLS.name: {"tokens", "sessions"},
    ALLOWANCES.name: {"counted", "nudged"},
    ERASURES.name: {"e1", "e2"},
    NOTICES.name: {"asked 1", "asked 2", "n1", "n2"},
}
"""What can be seen of it, by reaction. Of one that is not here, it is seen that `hand_out` came to
its end."""
EVERYTHING: Asked = (
    (INSTALLED, {"import"}),
    (reply(1), {"m1"}),
    # Whichever of the two is counted first reaches what the plan allows.
    (started(1), set()),
    (started(2), {"counted", "nudged"}),
    (AppUninstalled(), {"tokens", "sessions"}),
    (INSTALLED, {"import"}),
    (reply(2), {"m2"}),
    (OrderDeleted(shopify_order_id=1), set()),
    (erasure(1), {"e1"}),
    (erasure(2), {"e2"}),
    (asked(1), {"asked 1"}),
    (notice(1), {"n1"}),
    (asked(2), {"asked 2"}),
    (notice(2), {"n2"}),
)
PARKING: Asked = ((reply(1), {"m1"}), (INSTALLED, {"import"}), (reply(2), {"m2"}))


@pytest.fixture(scope="module")
async def use(mongo_uri: str, aws: Aws) -> AsyncIterator[Intake]:
    """Parts for all tests, each of which has shops of its own."""
    async with intake(mongo_uri, aws, free_conversations=1) as made:
        yield made


@dataclass
class Shop:
    """A shop whose log asks for things, and what of them was handed out so far."""

    use: Intake
    reaction: Reaction
    asked: Asked
    name: str = field(default_factory=lambda: f"{random_id()}.myshopify.com")
    found: set[str] = field(default_factory=set)
    ended: set[int] = field(default_factory=set)
    """The positions of the commits for which `hand_out` came to its end."""
    raised: list[str] = field(default_factory=list)
    """What `hand_out` raised, for whoever reads why a test failed."""
    stood_at: int = 0
    """Where the one reactor of before stood."""

    @classmethod
    def of_everything(cls, use: Intake, reaction: Reaction) -> Shop:
        """Its log has every event that the reaction handles."""
        new = unseen(reaction, [event for event, _ in EVERYTHING])
        return cls(use, reaction, (*EVERYTHING, *((event, set[str]()) for event in new)))

    async def begin(self) -> None:
        """Writes its log."""
        await self.use.parts.credentials.save(self.name, Tokens(access_token="token"))
        after = datetime.now(UTC) + timedelta(seconds=1)  # so an uninstall is news of that token
        await write(self.use, *(event for event, _ in self.asked), shop=self.name, at=after)

    async def head(self) -> int:
        """The position of its last commit."""
        return (await self.use.parts.store.head(self.name)).position

    async def stood(self, position: int) -> None:
        """The one reactor of before stood there."""
        self.stood_at = position
        row = {"_id": f"{REACT}/{self.name}", "projection": REACT, "version": 1, "shop": self.name,
               "position": position, "seq": position, "parked": None, "term": 0}  # fmt: skip
        await self.use.parts.mongo.database[CHECKPOINTS].insert_one(row)

    async def followed(self, reactor: Reactor) -> None:
        """To its end, or to where it stands still. It asks only for the settings that it says it
        needs: by these the functions that run it and `cplus projections unpark` are checked."""

        def setting(name: str) -> str:
            assert name in self.reaction.needs, f"{self.reaction.name} needs {name}: say so"
            return reactor.setting(name)

        async def hand_out(commit: Commit, recorded: Recorded, use: Reactor) -> None:
            try:
                await self.reaction.hand_out(commit, recorded, use)
            except Exception as error:
                self.raised.append(f"{type(error).__name__}: {error}")
                raise
            self.ended.add(commit.position)

        only = replace(reactor, setting=setting)
        await follow(replace(self.reaction, hand_out=hand_out), self.name, only)

    async def died(self, reactor: Reactor, step: str, time_of_death: int) -> bool:
        """Follows it until death; False where that never came, and it was followed to the end."""
        try:
            await self.followed(replace(reactor, at_step=dies_at(step, time_of_death)))
        except Died:
            return True
        finally:
            await self.look()
        return False

    async def look(self) -> Checkpoint:
        """Finds what was handed out since the last look; no checkpoint is past what was not."""
        parts = self.use.parts
        at = await read_checkpoint(parts.mongo.database, self.reaction, self.name)
        imports, sends, erasures = await handed(self.use)
        self.found |= {"import" for one in imports if one["shop"] == self.name}
        self.found |= {one["message_id"] for one in sends if one["shop"] == self.name}
        self.found |= {one["erasure"] for one in erasures if one["shop"] == self.name}
        decided = {commit.position for commit in await self.decisions()}
        nudges = await self.use.nudges()
        told = {one["position"] for one in nudges if one["shop"] == self.name}
        self.found |= {"counted"} if decided else set()
        self.found |= {"nudged"} if decided & told else set()
        self.found |= await self.noticed({one["position"] for one in nudges})
        if await parts.mongo.keyring[CREDENTIALS].find_one({"_id": self.name}) is None:
            self.found.add("tokens")
        if await parts.mongo.database[ENDED].find_one({"_id": f"shop/{self.name}"}) is not None:
            self.found.add("sessions")
        passed = (self.wants(event, wanted) for event, wanted in self.asked[: at.position])
        assert set().union(*passed) <= self.found
        assert self.asking(at.position) <= self.ended
        return at

    async def noticed(self, told: set[int]) -> set[str]:
        """The requests for data whose mails are wished for, as some nudge told, and planned."""
        parts, found = self.use.parts, set[str]()
        for number in (1, 2):
            wish = await parts.store.by_claim(self.name, notice_claim(number, "first"))
            rows = parts.mongo.database[DUE]
            planned = await rows.count_documents(
                {"shop": self.name, "ref": {"$regex": f"^{number}/"}}
            )
            if wish and wish.position in told and planned == 2:
                found.add(f"asked {number}")
        return found

    def wants(self, event: Event, wanted: set[str]) -> set[str]:
        """What its reaction has to hand out for the event."""
        handled = type(event) in self.reaction.handles
        return wanted & DOES.get(self.reaction.name, set()) if handled else set()

    def asking(self, position: int) -> set[int]:
        """The positions up to this one at which its reaction is asked for something."""
        events = enumerate((event for event, _ in self.asked[:position]), start=1)
        there = {at for at, event in events if type(event) in self.reaction.handles}
        return there - set(range(1, self.stood_at + 1))

    def check_served(self) -> None:
        """Checks that its reaction handed out what the whole log asks for."""
        wanted = set[str]().union(*(self.wants(*one) for one in self.asked))
        assert wanted == self.found & DOES.get(self.reaction.name, set()), self.raised
        assert self.asking(len(self.asked)) <= self.ended, self.raised

    async def decisions(self) -> list[Commit]:
        stream = billing_stream(self.name)
        return [one async for one in self.use.parts.store.iterate_stream(self.name, stream)]


STEPS = [
    pytest.param(reaction, step, id=f"{reaction.name}-{step}")
    for reaction in REACTIONS
    for step in steps_of(reaction)
]


@pytest.mark.parametrize(("reaction", "step"), STEPS)
async def test_a_reaction_that_dies_at_any_step_loses_nothing_and_does_no_harm_twice(
    use: Intake, reaction: Reaction, step: str
) -> None:
    """Each reaction, before each of its steps, the first time that it is taken, the second, ..."""
    reactor = replace(use.parts.reactor, batch=2)
    for time_of_death in count(1):
        shop = Shop.of_everything(use, reaction)
        await shop.begin()
        if step == "take_over":
            shop.asked = ((INSTALLED, set()), *shop.asked[1:])
            await shop.stood(1)
        died = await shop.died(reactor, step, time_of_death)
        await shop.followed(reactor)
        at = await shop.look()
        shop.check_served()
        assert (at.position, at.parked) == (await shop.head(), None)
        for decision in await shop.decisions():
            assert [one["type"] for one in decision.documents] == [
                "billing.account_opened",
                "billing.allowance_reached",
            ]
        if not died:
            assert time_of_death > 1, "nobody ever died there"
            break


@pytest.mark.parametrize(
    ("reaction", "step"),
    [one for one in STEPS if one.values[1] not in ("take_over", "begin_checkpoint")],
)
async def test_to_die_while_it_fails_and_is_tried_again_loses_nothing(
    use: Intake, reaction: Reaction, step: str
) -> None:
    now = datetime.now(UTC) + timedelta(seconds=9)
    reactor = replace(use.parts.reactor, batch=2, clock=lambda: now)

    def fails(name: str) -> None:
        if name in reaction.steps:
            raise ConnectionError

    for time_of_death in count(1):
        shop = Shop.of_everything(use, reaction)
        await shop.begin()
        await shop.followed(replace(reactor, at_step=fails))
        assert (await shop.look()).retry is not None
        now += PAUSES[0]
        died = await shop.died(reactor, step, time_of_death)
        await shop.followed(reactor)
        at = await shop.look()
        shop.check_served()
        assert (at.position, at.retry) == (await shop.head(), None)
        if not died:
            assert time_of_death > 1, "nobody ever died there"
            break


@pytest.mark.parametrize("step", ["read_checkpoint", "read_log", "send_import", "move_checkpoint"])
async def test_to_die_around_a_parked_commit_loses_nothing(use: Intake, step: str) -> None:
    newer = use.parts.reactor
    old = replace(newer, reader=EventReader(Catalogue(set(all_events()) - {AppInstalled})))
    for time_of_death in count(1):
        shop = Shop(use, IMPORTS, PARKING)
        await shop.begin()
        deaths = 0
        for reactor, stands in ((old, (1, "app.installed")), (newer, (3, None))):
            deaths += await shop.died(reactor, step, time_of_death)
            await shop.followed(reactor)
            at = await shop.look()
            assert (at.position, at.parked and at.parked.type) == stands
        assert shop.found == {"import"}
        if not deaths:
            assert time_of_death > 1, "nobody ever died there"
            break


@pytest.mark.parametrize("reaction", REACTIONS, ids=lambda one: one.name)
async def test_everything_that_is_stored_or_sent_stands_behind_a_step(
    use: Intake, reaction: Reaction
) -> None:
    """So that to die at each step is to die between any two of it."""
    written = Written()
    settings = use.parts.settings
    mongo, aws = connect(settings, [written]), HeardAws(written)
    heard = Parts(settings, mongo=mongo, aws=aws)
    shop = Shop.of_everything(use, reaction)
    try:
        reactor = replace(heard.reactor, at_step=written.step)
        for event, _ in shop.asked:  # one at a time: side by side nobody knows whose it is
            await write(use, event, shop=shop.name)
            await shop.followed(reactor)
        await write(use, INSTALLED, shop=shop.name)
        await shop.stood(await shop.head())
        await shop.followed(reactor)
    finally:
        await mongo.close()
        await aws.close()
    by_step = written.by_step()
    assert set(by_step) == set(steps_of(reaction))
    known = {
        "read_checkpoint": {()},
        "read_log": {()},
        "send_import": {("SendMessage",)},
        "send_reply": {("SendMessage",)},
        "send_erasure": {("SendMessage",)},
        # Before the second wish others wrote, and this process does not know the head any more.
        "wish_notice": {(*[f"insert {COMMITS}"] * tries, "PublishBatch") for tries in (1, 2)},
        "plan_reminders": {(f"update {DUE}",)},
        "note_delay": {(f"update {DUE}",)},
        "send_notice": {("SendMessage",)},
        "count": {(f"insert {COMMITS}", "PublishBatch"), ()},
        "forget_tokens": {(f"delete {CREDENTIALS}",)},
        "end_sessions": {(f"update {ENDED}",)},
        "forget_staff": {tuple(f"delete {one}" for one in (ROWS, *_OF_STAFF))},
        "begin_checkpoint": {(f"insert {CHECKPOINTS}",)},
        "move_checkpoint": {(f"update {CHECKPOINTS}",)},
        "take_over": {(f"update {CHECKPOINTS}",)},
    }
    for step, found in by_step.items():
        if step in known:
            assert found == known[step]
        else:
            assert all(len(commands) <= 1 for commands in found), step
