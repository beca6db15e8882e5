"""Browsers of staff are told of new messages: whoever asked for it, once, and no longer than they
want."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from cplus.actors import merchant
from cplus.aws import Aws
from cplus.commands.conversations.answering import message_id
from cplus.commands.conversations.noting import write_note
from cplus.commands.team import remove, see
from cplus.consumers.pushing.news import PUSH
from cplus.consumers.pushing.sending import Pushing
from cplus.consumers.reactions.following import follow
from cplus.consumers.reactions.pushes import PUSHES
from cplus.consumers.reactions.uninstalls import UNINSTALLS
from cplus.events.base import NewEvent
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.commit import Draft
from cplus.leases import LEASES
from cplus.webpush import Answer, PushClient, Subscription, Vapid, checked
from cplus.workspace import Members, ReadMarks, Undoes
from cplus.workspace.push_subscriptions import HOURS, IN_AN_HOUR, LASTS, ROWS
from cplus.workspace.undoing import Did
from tests.integration.intake import record, soon
from tests.integration.mail_world import SHOP, World, plain
from tests.integration.push_browsers import PushBrowser

SAYS = "A customer wrote a new message."
MENTIONS = "A note mentions you."


@dataclass
class Pushed:
    """A shop whose staff is told."""

    world: World

    @property
    def use(self) -> Pushing:
        return self.world.parts.pushing

    async def on(self, *, words: bool = True, member: str = "101", key: str = "") -> PushBrowser:
        parts = self.world.parts
        made = await PushBrowser.subscribed(self.world.endpoint)
        local = parts.settings.push_origin
        given = checked(made.endpoint, made.p256dh, made.auth, local=local)
        key = key or parts.vapid.public
        await parts.push_subscriptions.add(
            SHOP, member, given, key=key, words=words, says=SAYS, says_mentioned=MENTIONS
        )
        return made

    async def writes(self, text: str = "Do you have it\nin blue?", number: int = 1) -> None:
        mail = plain(
            text, message_id=f"<{number}@shopper.example>", References="<1@shopper.example>"
        )
        await self.world.receive(mail, f"ses{number}")
        await self.react()

    async def react(self) -> None:
        assert not (await follow(PUSHES, SHOP, self.world.parts.reactor)).stopped

    async def message(self, number: int = 1) -> dict[str, Any]:
        received = (await self.world.received())[number - 1]
        talk = await self.world.conversation()
        return {
            "shop": SHOP,
            "conversation": talk.conversation_id,
            PUSH: received.message_id,
        }

    async def tell(self, number: int = 1, use: Pushing | None = None) -> None:
        """Lets the worker have the message of the queue."""
        outbound = replace(self.world.outbound(), push=(use or self.use).handle)
        failed = await outbound.handle_all([record(await self.message(number))], soon())
        assert failed == []

    async def rows(self) -> int:
        found: int = await self.world.parts.mongo.database[ROWS].count_documents({})
        return found


@pytest.fixture
async def pushed(
    mongo_uri: str, database: str, aws_endpoint: str, aws: Aws
) -> AsyncIterator[Pushed]:
    made = await World.make(mongo_uri, database, aws_endpoint, aws)
    yield Pushed(made)
    await made.close()


async def taken(world: World) -> list[dict[str, Any]]:
    """The messages of the queue that can be seen."""
    sqs = await world.aws.client("sqs")
    answer = await sqs.receive_message(QueueUrl=world.send_queue, MaxNumberOfMessages=10)
    return [json.loads(one["Body"]) for one in answer.get("Messages", [])]


async def no_tokens(_shop: str, _until: datetime) -> None:
    """There are none."""


async def held_back(world: World) -> int:
    """How many messages the queue holds back."""
    sqs = await world.aws.client("sqs")
    name = "ApproximateNumberOfMessagesDelayed"
    answer = await sqs.get_queue_attributes(QueueUrl=world.send_queue, AttributeNames=[name])
    return int(answer["Attributes"][name])


async def test_a_browser_is_told_who_wrote_and_the_first_words_only_if_that_was_chosen(
    pushed: Pushed,
) -> None:
    loud, quiet = await pushed.on(words=True), await pushed.on(words=False)
    await pushed.writes()
    assert await taken(pushed.world) == [await pushed.message()]
    await pushed.tell()
    [one], [other] = await loud.told(), await quiet.told()
    assert (one["title"], one["body"]) == ("Ada", "Do you have it in blue?")
    assert other["body"] == SAYS
    assert "Ada" not in json.dumps(other)
    assert "blue" not in json.dumps(other)
    talk = await pushed.world.conversation()
    assert other["link"].endswith(f"/conversations/{talk.conversation_id}")
    [sent] = await loud.raw()
    assert (sent["TTL"], sent["Urgency"], len(sent["Topic"])) == ("21600", "high", 32)


async def test_each_browser_is_told_once_however_often_the_message_comes(pushed: Pushed) -> None:
    browser = await pushed.on()
    await pushed.writes()
    await pushed.tell()
    await pushed.tell()
    assert len(await browser.told()) == 1
    second = await pushed.on()  # turned on since
    await pushed.tell()
    assert (len(await browser.told()), len(await second.told())) == (1, 1)


async def test_a_worker_that_crashes_after_a_push_leaves_one_that_the_browser_knows_again(
    pushed: Pushed,
) -> None:
    browser = await pushed.on()
    await pushed.writes()
    parts = pushed.world.parts

    class Crashing(PushClient):
        async def push(self, *args: Any, **more: Any) -> Answer:
            await super().push(*args, **more)
            raise RuntimeError  # the process ends here

    vapid = Vapid(parts.settings.secret("application_secret"), parts.settings.app_url)
    client = Crashing(vapid, parts.clock, local=parts.settings.push_origin)
    with pytest.raises(RuntimeError):
        await replace(pushed.use, client=client).handle(await pushed.message(), soon())
    await client.close()
    await pushed.tell()
    first, again = await browser.told()
    # push_worker.js shows the same message of the same conversation without a sound.
    assert first == again
    await pushed.tell()
    assert len(await browser.told()) == 2


async def test_a_subscription_that_is_over_is_forgotten(pushed: Pushed) -> None:
    for status in (404, 410):
        browser = await pushed.on()
        await browser.answers(status)
    await pushed.writes()
    await pushed.tell()
    assert await pushed.rows() == 0
    await pushed.writes(number=2)  # nobody wants to hear of it any more
    assert await held_back(pushed.world) == 0


@pytest.mark.parametrize("status", [429, 503])
async def test_a_push_service_that_cannot_take_it_now_is_asked_again(
    pushed: Pushed, status: int
) -> None:
    browser, other = await pushed.on(), await pushed.on()
    await browser.answers(status)
    await pushed.writes()
    await pushed.tell()
    assert await held_back(pushed.world) == 1
    await browser.answers(201)
    await pushed.tell()
    assert (len(await browser.told()), len(await other.told())) == (1, 1)
    assert await pushed.rows() == 2


async def test_it_is_given_up_after_some_tries(pushed: Pushed) -> None:
    browser = await pushed.on()
    await browser.answers(500)
    await pushed.writes()
    for _ in range(7):
        await pushed.tell()
    assert await held_back(pushed.world) == 4


async def test_a_push_that_is_refused_is_not_tried_again(pushed: Pushed) -> None:
    browser = await pushed.on()
    await browser.answers(400)
    await pushed.writes()
    await pushed.tell()
    assert (await held_back(pushed.world), await pushed.rows()) == (0, 1)


async def test_nothing_is_pushed_of_what_is_answered_spam_or_old(pushed: Pushed) -> None:
    browser = await pushed.on()
    await pushed.writes()
    pushed.world.later(minutes=61)
    await pushed.tell()
    await pushed.writes(number=2)
    await pushed.world.answer()
    await pushed.tell(2)
    assert await browser.told() == []


async def test_what_a_program_wrote_and_old_mail_are_not_queued(pushed: Pushed) -> None:
    await pushed.on()
    await pushed.world.receive(plain("I am away", auto_submitted="auto-replied"), "ses1")
    await pushed.world.receive(plain("Hello", message_id="<2@shopper.example>"), "ses2")
    pushed.world.later(hours=2)
    await pushed.react()  # a replay
    assert await taken(pushed.world) == []


async def test_nobody_asked_nothing_is_queued(pushed: Pushed) -> None:
    await pushed.writes()
    assert await taken(pushed.world) == []


async def test_a_shops_staff_is_told_of_so_many_messages_an_hour(pushed: Pushed) -> None:
    browser = await pushed.on()
    rows = pushed.world.parts.push_subscriptions
    for _ in range(IN_AN_HOUR):
        assert await rows.take(SHOP)
    await pushed.writes()
    await pushed.tell()
    assert await browser.told() == []
    pushed.world.later(hours=1)
    await pushed.writes("And in red?", number=2)
    await pushed.tell(2)
    await pushed.tell(2)
    assert len(await browser.told()) == 1
    hour = f"{SHOP}/{pushed.world.now:%Y-%m-%dT%H}"
    found = await pushed.world.parts.mongo.database[HOURS].find_one({"_id": hour})
    assert found is not None
    assert found["told"] == 1  # a message that comes again counts once


async def test_browsers_of_another_key_or_whose_time_is_over_are_told_nothing(
    pushed: Pushed,
) -> None:
    other = await pushed.on(key="another key")
    over = await pushed.on()
    pushed.world.later(seconds=LASTS.total_seconds() + 1)
    new = await pushed.on()
    await pushed.writes()
    await pushed.tell()
    assert [len(await one.told()) for one in (other, over, new)] == [0, 0, 1]


async def test_removing_the_app_forgets_the_browsers_and_no_later_ones(pushed: Pushed) -> None:
    await pushed.on()
    removed = AppUninstalled()
    stream = f"shop/{SHOP}"
    new = NewEvent(stream, removed, pushed.world.now)
    draft = Draft(shop=SHOP, claim="t", source="test", actor="shopify", events=[new], refs=[stream])
    await pushed.world.recorder.append([draft])
    pushed.world.later(minutes=1)
    await pushed.on()
    use = replace(pushed.world.parts.reactor, forget_tokens=no_tokens)
    assert not (await follow(UNINSTALLS, SHOP, use)).stopped
    assert await pushed.rows() == 1


@pytest.mark.parametrize("way", ["uninstalled", "erased"])
async def test_what_staff_had_for_its_work_goes_with_the_shop_and_nothing_later(
    pushed: Pushed, way: str
) -> None:
    world, other, parts = pushed.world, "birch.myshopify.com", pushed.world.parts
    work, database = parts.workspace, parts.mongo.database
    names = (Members.NAME, ReadMarks.NAME, Undoes.NAME)

    async def works(shop: str, member: str) -> None:
        await work.members.visit(shop, member, world.now)
        await work.marks.read(shop, member, f"c-{member}", world.now)
        await work.undoes.begin(shop, member, "k1", Did("close", "", ["c1"]), world.now)

    async def left(name: str) -> list[str]:
        rows = await database[name].find({}).to_list(None)
        return sorted("/".join(row["_id"].split("/")[:2]) for row in rows)

    await works(SHOP, "101")
    await works(other, "7")
    until = world.now
    world.later(minutes=1)
    await works(SHOP, "102")
    for _ in range(2):  # it is repeatable
        if way == "uninstalled":
            await parts.reactor.forget_staff(SHOP, until)
        else:
            await parts.erasing_shops.end_sessions(SHOP, until)
    for name in names:
        assert await left(name) == sorted([f"{SHOP}/102", f"{other}/7"]), name


async def test_nothing_in_clear_says_where_a_browser_is_told(pushed: Pushed) -> None:
    browser = await pushed.on()
    database = pushed.world.parts.mongo.database
    await pushed.writes()
    await pushed.tell()
    for name in (ROWS, LEASES):
        for row in await database[name].find({}).to_list(None):
            for part in (browser.endpoint, browser.auth, browser.endpoint.rpartition("/")[2]):
                assert part not in str(row)


async def test_the_same_browser_is_told_for_one_member_of_one_shop(pushed: Pushed) -> None:
    rows, key = pushed.world.parts.push_subscriptions, pushed.world.parts.vapid.public
    made = await PushBrowser.subscribed(pushed.world.endpoint)
    origin = pushed.world.parts.settings.push_origin
    given: Subscription = checked(made.endpoint, made.p256dh, made.auth, local=origin)
    first = await rows.add(SHOP, "101", given, key=key, words=True, says=SAYS)
    second = await rows.add("birch.myshopify.com", "7", given, key=key, words=True, says=SAYS)
    assert first == second
    assert (await rows.any_of(SHOP), await pushed.rows()) == (False, 1)
    # Others change and remove nothing of it, and whoever signs in there keeps it.
    await rows.turn_off(SHOP, "101", first)
    await rows.choose(SHOP, "101", first, words=False)
    pushed.world.later(seconds=LASTS.total_seconds() - timedelta(days=1).total_seconds())
    await rows.signed_in(first, "birch.myshopify.com", "7")
    pushed.world.later(days=2)
    [kept] = await rows.of_member("birch.myshopify.com", "7")
    assert kept.words
    await rows.signed_in(first, "birch.myshopify.com", "8")  # another member, the same browser
    assert await pushed.rows() == 0


async def test_an_endpoint_that_leads_nowhere_keeps_no_other_browser_from_being_told(
    pushed: Pushed,
) -> None:
    browser, parts = await pushed.on(), pushed.world.parts
    # As a row from before such names were refused has it.
    made_up = replace(
        checked(browser.endpoint, browser.p256dh, browser.auth, local=parts.settings.push_origin),
        endpoint=f"https://{'a' * 64}.example.net/x",
    )
    key = parts.vapid.public
    await parts.push_subscriptions.add(SHOP, "666", made_up, key=key, words=True, says=SAYS)
    await pushed.writes()
    await pushed.tell()
    await pushed.tell()
    assert len(await browser.told()) == 1
    assert await held_back(pushed.world) == 0


async def test_whom_a_note_mentions_is_told_and_nobody_else(pushed: Pushed) -> None:
    bea, quiet, ada = (
        await pushed.on(member="bea"),
        await pushed.on(member="bea", words=False),
        await pushed.on(member="ada"),
    )
    gone = await pushed.on(member="gone")
    world, parts = pushed.world, pushed.world.parts
    await world.receive(plain("Do you?", message_id="<1@shopper.example>"), "ses1")
    talk = (await world.conversation()).conversation_id
    who: dict[str, Any] = {"source": "dashboard", "actor": merchant("ada")}
    for member in ("ada", "bea", "gone"):
        actor = merchant(member)
        await see(SHOP, actor, source="dashboard", recorder=parts.recorder, clock=parts.clock)
    use = parts.conversations
    mentions = ["bea", "gone", "ada"]
    await write_note(
        SHOP, talk, text="@bea it is\nyours", key="k" * 26, mentions=mentions, use=use, **who
    )
    await remove(SHOP, "gone", key="r" * 26, recorder=parts.recorder, clock=parts.clock, **who)
    await pushed.react()
    note = message_id(SHOP, talk, "k" * 26)
    message = {"shop": SHOP, "conversation": talk, PUSH: note}
    assert message in await taken(world)
    outbound = replace(world.outbound(), push=pushed.use.handle)
    for _ in range(2):
        assert await outbound.handle_all([record(message)], soon()) == []
    [told], [other] = await bea.told(), await quiet.told()
    assert told["body"] == "@bea it is yours"
    assert told["message"] == note
    assert f"/conversations/{talk}?message={note}" in told["link"]
    assert told["link"].endswith(f"#m-{note}")
    assert other["body"] == MENTIONS
    assert await ada.told() == []
    assert await gone.told() == []
