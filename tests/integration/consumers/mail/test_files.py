"""Each file of a mail is an object of its own, sealed for its shop: put before the mail is
recorded, named by it, and deleted with its person."""

from __future__ import annotations

from dataclasses import replace
from email.message import EmailMessage

import pytest

from cplus.actors import merchant, operator
from cplus.aws import Aws
from cplus.commands.conversations.automatic_mail import make_conversation
from cplus.commands.files import Files, objects_of
from cplus.consumers.mail.inbound_email import Inbound
from cplus.errors import ObjectBroken
from cplus.events.files import StoredFile
from cplus.privacy.erasing import ask, erase
from cplus.privacy.export.gathering import gather
from tests.integration.crashing import Died, dies_at
from tests.integration.intake import failures, soon
from tests.integration.mail_world import ADA, SHOP, World

OTHER = "birch.myshopify.com"
BOTH = ("acorn@mail.cplus.example", "birch@mail.cplus.example")
ORDER, LIST = b"%PDF-1.7 the order", b"lamp,1\n"


def with_files(**headers: str) -> bytes:
    mail = EmailMessage()
    mail["From"] = f"Ada <{ADA}>"
    mail["Subject"] = "My order"
    mail["Message-ID"] = "<files@shopper.example>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("Here it is")
    mail.add_attachment(ORDER, maintype="application", subtype="pdf", filename="order.pdf")
    mail.add_attachment(LIST, maintype="text", subtype="csv", filename="list.csv")
    return mail.as_bytes()


async def bytes_of(world: World, files: tuple[StoredFile, ...] | None) -> list[bytes]:
    assert files is not None
    return [await Files(world.parts.mails).get(SHOP, one) for one in files]


async def test_the_files_of_a_mail_are_stored_apart_and_sealed(world: World) -> None:
    await world.receive(with_files(), "ses1")
    [message] = await world.received()
    assert await bytes_of(world, message.files) == [ORDER, LIST]
    assert [(one.name, one.size) for one in message.files or ()] == [
        ("order.pdf", len(ORDER)),
        ("list.csv", len(LIST)),
    ]
    assert message.raw
    assert message.objects == objects_of(message.files or ())
    assert set(await world.keys()) == {message.raw["key"], *(o["key"] for o in message.objects)}
    for key in await world.keys():
        assert b"lamp" not in await world.aws.get_object(world.bucket, key)
    assert b"order.pdf" not in repr(await world.commits()).encode(), "its name is sealed too"
    assert "order.pdf" not in repr(message.files)


class DiesAtPut(Aws):
    """The same clients, with a process that dies at the nth object that it puts, or after it."""

    def __init__(self, aws: Aws, number: int, *, after: bool) -> None:
        super().__init__()
        self.client = aws.client  # type: ignore[method-assign]
        self._left, self._after = number, after

    async def put_object(self, bucket: str, key: str, body: bytes) -> None:
        self._left -= 1
        last = self._left == 0
        if self._after or not last:
            await super().put_object(bucket, key, body)
        if last:
            raise Died


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_process_may_end_at_each_object_and_the_next_one_names_whole_files(
    world: World, number: int, after: bool
) -> None:
    message = await world.arrive(with_files(), "ses1")
    parts, dying = world.parts, DiesAtPut(world.aws, number, after=after)
    with pytest.raises(Died):
        await Inbound(parts.settings, parts.store, parts.persons, dying, world.recorder).handle_all(
            [message], soon()
        )
    assert await world.received() == []
    assert "incoming/ses1" in await world.keys()
    assert await failures(world.inbound.handle_all, message) == {}
    [received] = await world.received()
    assert await bytes_of(world, received.files) == [ORDER, LIST]
    for key in await world.keys():
        assert b"lamp" not in await world.aws.get_object(world.bucket, key), "left, and sealed"


async def test_a_mail_to_several_shops_has_files_of_its_own_in_each(world: World) -> None:
    await world.install(OTHER)
    await world.receive(with_files(), "ses1", *BOTH)
    [[here], [there]] = [await world.received(shop) for shop in (SHOP, OTHER)]
    keys = [{one["key"] for one in message.objects} for message in (here, there)]
    assert keys[0].isdisjoint(keys[1])
    assert await bytes_of(world, here.files) == [ORDER, LIST]
    for file in there.files or ():
        with pytest.raises(ObjectBroken):
            await Files(world.parts.mails).get(SHOP, file)


@pytest.mark.parametrize("made", [False, True])
async def test_once_the_person_is_erased_no_file_opens_and_all_are_deleted(
    world: World, made: bool
) -> None:
    await world.receive(with_files(Auto_Submitted="auto-replied" if made else "no"), "ses1")
    person = (await world.asides() if made else await world.received())[0].person
    if made:
        [aside] = await world.asides()
        use = world.parts.conversations
        who = merchant("ada")
        await make_conversation(SHOP, aside.message_id, actor=who, source="dashboard", use=use)
    [message] = await world.received()
    export = await gather(world.parts.store, world.parts.reader, SHOP, [person])
    assert [one.name for one in export.messages[0].files] == ["order.pdf", "list.csv"]

    erasing = replace(world.parts.erasing, recorder=world.recorder)
    who = operator("ada")
    told = {"erasure": "e1", "source": "cli", "actor": str(who), "at": world.now}
    await ask(erasing.recorder, SHOP, person, **told)  # type: ignore[arg-type]
    with pytest.raises(Died):
        await erase(SHOP, "e1", use=replace(erasing, at_step=dies_at("delete_objects", 1)))
    [after] = await world.received()
    assert after.files is None, "what opens them is destroyed before they are deleted"
    assert after.objects == message.objects
    entry = await erase(SHOP, "e1", use=erasing)
    assert entry.objects == 3
    assert await world.keys() == []
