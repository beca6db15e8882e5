"""Raw mail is kept sealed: what SES wrote in clear goes once the log names the sealed object, and
whichever step is the last of a process, nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cplus.actors import merchant, operator
from cplus.aws import MAIL, Aws, SealedObjects
from cplus.commands.conversations.automatic_mail import make_conversation
from cplus.consumers.mail.inbound_email import Inbound
from cplus.consumers.mail.stored_mail import StoredMail
from cplus.errors import ObjectBroken
from cplus.events.base import Cause
from cplus.events.catalogue.mail import MailSetAside
from cplus.events.log.commit import Draft
from cplus.events.names import received_mail_claim
from cplus.privacy.erasing import ask, erase
from tests.integration.crashing import Died, dies_at
from tests.integration.intake import failures, soon
from tests.integration.mail_world import SHOP, World, form, plain

OTHER = "birch.myshopify.com"
ABSENCE = plain("I am away", Auto_Submitted="auto-replied")
DELETING = "delete_objects"
LAST = [
    ("put_object", False),
    ("put_object", True),
    ("list_versions", False),
    ("delete_versions", False),
    ("delete_versions", True),
]
"""A call of S3, and whether the process dies after it, in order; the append is between the second
and the third."""


class Dying(Aws):
    """The same clients, with a process that dies before or after a call."""

    def __init__(self, aws: Aws, step: str, *, after: bool) -> None:
        super().__init__()
        self._aws, self._step, self._after = aws, step, after

    async def client(self, service: str, *, tries: int = 3) -> Any:
        return await self._aws.client(service, tries=tries)

    async def _call(self, step: str, *told: Any) -> Any:
        if step == self._step and not self._after:
            raise Died
        answer = await getattr(super(), step)(*told)
        if step == self._step:
            raise Died
        return answer

    async def put_object(self, bucket: str, key: str, body: bytes) -> None:
        await self._call("put_object", bucket, key, body)

    async def list_versions(self, bucket: str, prefix: str) -> Any:
        return await self._call("list_versions", bucket, prefix)

    async def delete_versions(self, bucket: str, versions: Any) -> None:
        await self._call("delete_versions", bucket, versions)


def inbound(world: World, aws: Aws) -> Inbound:
    parts = world.parts
    return Inbound(parts.settings, parts.store, parts.persons, aws, world.recorder)


async def whole(world: World) -> StoredMail:
    """The only message of the only conversation, read again."""
    [message] = await world.received()
    talk = (await world.conversation()).conversation_id
    found = await world.parts.stored_mails.find(SHOP, talk, message.message_id)
    assert found
    return found


@pytest.mark.parametrize(("step", "after"), LAST)
async def test_whichever_step_is_the_last_the_mail_is_there_and_the_next_try_ends_it(
    world: World, step: str, after: bool
) -> None:
    message = await world.arrive(plain("Do you have it in blue?"), "ses1")
    with pytest.raises(Died):
        await inbound(world, Dying(world.aws, step, after=after)).handle_all([message], soon())
    recorded = [one.raw["key"] for one in await world.received() if one.raw]
    left = await world.keys()
    assert bool(recorded) == (step != "put_object")
    if recorded:
        assert set(recorded) <= set(left)
    else:
        assert "incoming/ses1" in left
    assert ("incoming/ses1" in left) == ((step, after) != ("delete_versions", True))

    assert await failures(world.inbound.handle_all, message) == {}
    [named] = [one.raw["key"] for one in await world.received() if one.raw]
    assert recorded in ([], [named]), "it is recorded once"
    kept = await whole(world)
    assert kept.mail
    assert kept.mail.text.strip() == "Do you have it in blue?"
    left = await world.keys()
    assert "incoming/ses1" not in left
    # One that was put, but is in no log, is left, and opens for nobody.
    assert len(left) == 1 + ((step, after) == ("put_object", True))
    for key in left:
        assert b"in blue" not in await world.aws.get_object(world.bucket, key)


async def test_each_shop_has_the_mail_sealed_for_itself_and_the_clear_one_goes_last(
    world: World,
) -> None:
    await world.install(OTHER)
    both = ("acorn@mail.cplus.example", "birch@mail.cplus.example")
    message = await world.arrive(form(), "ses1", *both)
    with pytest.raises(Died):  # before the second shop has it
        await inbound(world, Second(world.aws)).handle_all([message], soon())
    assert len(await world.received()) == 1
    assert "incoming/ses1" in await world.keys()
    assert await failures(world.inbound.handle_all, message) == {}
    here, there = [(await world.received(shop))[0].raw for shop in (SHOP, OTHER)]
    assert here
    assert there
    assert here != there
    assert await world.keys() == sorted([here["key"], there["key"]])

    commit = await world.parts.store.by_claim(SHOP, received_mail_claim("ses1"), cause=True)
    assert commit
    [cause] = await world.parts.reader.causes([commit])
    assert cause
    assert cause.stored
    assert await world.parts.mails.get(SHOP, cause.stored)
    with pytest.raises(ObjectBroken):
        await world.parts.mails.get(OTHER, cause.stored)


class Second(Dying):
    """A process that dies before its second object."""

    def __init__(self, aws: Aws) -> None:
        super().__init__(aws, "", after=False)
        self._puts = 0

    async def put_object(self, bucket: str, key: str, body: bytes) -> None:
        self._puts += 1
        if self._puts == 2:
            raise Died
        await super().put_object(bucket, key, body)


async def test_once_the_person_is_erased_nobody_opens_the_mail_and_it_is_deleted(
    world: World,
) -> None:
    await world.receive(plain("Do you have it in blue?"), "ses1")
    [message] = await world.received()
    assert (await whole(world)).mail
    use = replace(world.parts.erasing, recorder=world.recorder, at_step=dies_at(DELETING, 1))
    who = str(operator("ada"))
    await ask(
        use.recorder, SHOP, message.person, erasure="e1", source="cli", actor=who, at=world.now
    )
    with pytest.raises(Died):
        await erase(SHOP, "e1", use=use)
    assert message.raw
    assert await world.keys() == [message.raw["key"]]
    assert (await whole(world)).mail is None, "its key is destroyed before it is deleted"
    entry = await erase(SHOP, "e1", use=replace(use, at_step=lambda _: None))
    assert entry.objects == 1
    assert await world.keys() == []


async def test_a_mail_that_was_set_aside_is_read_in_the_conversation_made_of_it(
    world: World,
) -> None:
    await world.receive(ABSENCE, "ses1")
    [commit] = await world.commits()
    [recorded] = await world.parts.reader.of(commit, MailSetAside)
    assert isinstance(recorded.event, MailSetAside)
    id_, use = recorded.event.message_id, world.parts.conversations
    ada = merchant("ada")
    await make_conversation(SHOP, id_, actor=ada, source="dashboard", use=use)
    kept = await whole(world)
    assert kept.mail
    assert kept.mail.text.encode().strip() in ABSENCE


async def test_mail_from_before_stays_as_it_is_and_is_read(world: World) -> None:
    raw = plain("Do you have it in blue?")
    message = await world.arrive(raw, "ses1", folder="inbound/")
    assert await failures(world.inbound.handle_all, message) == {}
    assert await world.keys() == ["inbound/ses1"]
    kept = await whole(world)
    assert kept.mail
    assert kept.mail.text.strip() == "Do you have it in blue?"


async def test_what_code_from_before_recorded_in_clear_is_not_deleted(world: World) -> None:
    message = await world.arrive(form(), "ses1")
    ref = {"bucket": world.bucket, "key": "incoming/ses1"}
    claim = received_mail_claim("ses1")
    await world.parts.store.append([Draft(SHOP, claim, "mail", "x", cause=Cause("mail", ref=ref))])
    assert await failures(world.inbound.handle_all, message) == {}
    assert await world.keys() == ["incoming/ses1"]


async def test_an_object_is_not_overwritten(world: World) -> None:
    objects = SealedObjects(world.aws, world.bucket, MAIL)
    first, second = [await objects.put(SHOP, b"the same") for _ in range(2)]
    assert first.ref != second.ref
    assert await objects.get(SHOP, first) == await objects.get(SHOP, second) == b"the same"
