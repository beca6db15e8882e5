"""Mail of a shop leaves from the merchant's own domain, once that is proved and set up."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from email import message_from_bytes
from typing import Any
from urllib.parse import urlsplit

import pytest

from cplus.actors import merchant
from cplus.aws import Aws
from cplus.bootstrap import Parts
from cplus.commands import sender_domains
from cplus.commands.mail_settings import settings_of
from cplus.consumers.reactions.following import follow
from cplus.consumers.reactions.tenants import TENANTS
from cplus.consumers.scheduled.due import DUE
from cplus.consumers.scheduled.registry import HANDLERS
from cplus.consumers.scheduled.taking import take_due
from cplus.consumers.sending.domains.checking import FAILED
from cplus.consumers.sending.domains.dns import DnsUnanswered, Resolver
from cplus.consumers.sending.domains.due import SENDER_DOMAIN, look_at_domain, pause, to_look_at
from cplus.consumers.sending.domains.rows import SENDER_DOMAINS
from cplus.consumers.sending.limits.budget import BUDGET
from cplus.consumers.sending.purpose import Later, Mail, MailParts, Never, Purpose
from cplus.consumers.sending.purposes import registered
from cplus.consumers.sending.tenants import TENANT, tenant_of
from cplus.errors import InvalidInput
from cplus.events.aggregates.sender_domain import SenderDomain
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.catalogue.mail import REPLY, MailRequested, MailSent
from cplus.events.names import message_ref
from cplus.ids import random_id
from cplus.mail.writing.sender_domains import (
    Record,
    dmarc_names,
    mail_from_domain,
    proof_name,
    records,
)
from tests.integration.intake import failures, record, soon
from tests.integration.mail_world import DOMAIN, SHOP, World, form
from tests.plain_http import plain_http

BIRCH = "birch.myshopify.com"


@pytest.fixture
async def world(mongo_uri: str, database: str, aws_endpoint: str, aws: Aws) -> AsyncIterator[World]:
    made = await World.make(mongo_uri, database, aws_endpoint, aws)
    stage = f"cplus-{random_id(12)}"
    ses = await aws.client("sesv2")
    await ses.create_configuration_set(ConfigurationSetName=stage)
    given = made.parts
    dns = urlsplit(aws_endpoint).netloc
    change = {"ses_configuration_set": stage, "dns": dns}
    settings = given.settings.model_copy(update=change)
    made.parts = Parts(settings, lambda: made.now, mongo=given.mongo, aws=aws)
    await made.receive(form(sender=f"{random_id(12)}@shopper.example"), "ses1")
    await sweep(made)
    yield made
    await made.close()


@pytest.fixture
def domain() -> str:
    return f"{random_id(12)}.example"


async def sweep(world: World, shop: str = SHOP) -> None:
    await follow(TENANTS, shop, world.parts.reactor)
    wanted = {what: HANDLERS[what] for what in (TENANT, SENDER_DOMAIN)}
    await take_due(wanted, world.parts.due_work, deadline=soon())


def by(world: World) -> dict[str, Any]:
    return {"key": random_id(), "source": "dashboard", "actor": merchant("bea"),
            "use": world.parts.conversations}  # fmt: skip


async def add(world: World, domain: str, shop: str = SHOP) -> list[Record]:
    """The domain is added and looked at; answers the records to write."""
    await sender_domains.add_domain(shop, domain, own=DOMAIN, **by(world))
    await sweep(world, shop)
    found = (await own(world, shop)).found
    assert found is not None
    use = world.parts.sender_domains
    return records(domain, use.proof(domain, shop), found.tokens, found.zone, use.region)


async def own(world: World, shop: str = SHOP) -> SenderDomain:
    domain = (await settings_of(world.recorder, shop)).domain
    assert domain is not None
    return domain


async def write(world: World, *wanted: Record, gone: bool = False) -> None:
    """Writes records into DNS, or takes them away."""
    told: dict[str, list[str]] = {}
    for one in wanted:
        told.setdefault(f"{one.name} {one.type}", []).extend([] if gone else [one.value])
    async with plain_http() as http:
        answer = await http.post(f"{world.endpoint}/_local/dns", json=told)
    assert answer.status_code == 200


async def set_up(world: World, domain: str) -> list[Record]:
    wanted = await add(world, domain)
    await write(world, *wanted)
    assert await look_at_domain(to_look_at(SHOP, domain, world.now), world.parts.due_work)
    await sender_domains.choose_sender(SHOP, f"hello@{domain}", **by(world))
    return wanted


async def sent(world: World, message_id: str, tries: int = 1) -> dict[str, Any] | None:
    """The reply of that id, sent now; None if it waits."""
    await world.answer(message_id)
    for _ in range(tries):
        message = record({"shop": SHOP, "message_id": message_id})
        assert await failures(world.outbound().handle_all, message) == {}
    mails = [m for m in await world.mailbox() if m["tags"].get("cplus-message") == message_id]
    return mails[0] if mails else None


async def raw_of(world: World, mail: dict[str, Any]) -> bytes:
    async with plain_http() as http:
        return (await http.get(f"{world.endpoint}/_mailbox/{mail['message_id']}.eml")).content


async def fate(world: World, message_id: str) -> MailSent:
    commits = await world.parts.store.by_ref(SHOP, message_ref(message_id))
    read = await world.parts.reader.read(commits, [MailSent])
    [event] = [one.event for events in read for one in events]
    assert isinstance(event, MailSent)
    return event


async def test_once_its_records_are_there_and_it_is_chosen_mail_leaves_from_the_domain(
    world: World, domain: str
) -> None:
    wanted = await add(world, domain)
    assert [one.type for one in wanted] == ["TXT", "CNAME", "CNAME", "CNAME", "MX", "TXT", "TXT"]
    assert not (await own(world)).works
    with pytest.raises(InvalidInput, match="leave from this domain yet"):
        await sender_domains.choose_sender(SHOP, "hello", **by(world))
    await write(world, *wanted)
    world.later(minutes=1)
    await sweep(world)
    found = (await own(world)).found
    assert found is not None
    assert (found.holder, found.proof, found.dkim, found.mail_from, found.dmarc) == (
        "shop", True, "SUCCESS", "SUCCESS", True,
    )  # fmt: skip
    before = await sent(world, "before1")
    assert before is not None
    assert before["from"].endswith(f"@{DOMAIN}>"), "it is not chosen yet"
    await sender_domains.choose_sender(SHOP, f"Hello@{domain}", **by(world))
    mail = await sent(world, "own1")
    assert mail is not None
    assert f"<hello@{domain}>" in mail["from"]
    assert message_from_bytes(await raw_of(world, mail))["Reply-To"].endswith(f"@{DOMAIN}")
    assert (await fate(world, "own1")).fallback is None
    assert await world.parts.mail_budget.used(SHOP) == 1, "that from our domain alone"


async def test_a_domain_whose_keys_are_gone_is_left_at_once_and_the_merchant_is_told(
    world: World, domain: str
) -> None:
    wanted = await set_up(world, domain)
    keys = [one for one in wanted if one.kind == "dkim"]
    await write(world, *keys, gone=True)
    mail = await sent(world, "fell1", tries=2)
    assert mail is not None
    assert mail["from"].endswith(f"@{DOMAIN}>")
    assert (await fate(world, "fell1")).fallback == domain
    assert (await own(world)).failed_at == world.now
    told = await world.parts.reader.read(await world.commits(), [MailRequested])
    wishes = [one.event for events in told for one in events]
    assert [getattr(one, "purpose", "") for one in wishes] == [FAILED]
    # It comes back by itself, and a domain that comes and goes writes no second mail that day.
    await write(world, *keys)
    await world.parts.sender_domains.check(SHOP)
    mail = await sent(world, "back1")
    assert mail is not None
    assert f"<hello@{domain}>" in mail["from"]
    await write(world, *keys, gone=True)
    await world.parts.sender_domains.check(SHOP)
    assert sum(one.count("requested") for one in await world.types()) == 1


class _Dying(Aws):
    """Breaks off once SES took a mail, as a process that is killed there."""

    async def send_mail(self, *args: Any, **more: Any) -> str:
        await super().send_mail(*args, **more)
        raise ConnectionError("broken off")

    async def send(self, *_args: Any, **_more: Any) -> None:
        """Nothing is asked for again by a queue."""


async def test_that_a_mail_left_from_ours_is_known_also_if_its_sender_crashed(
    world: World, domain: str
) -> None:
    wanted = await set_up(world, domain)
    await write(world, *[one for one in wanted if one.kind == "dkim"], gone=True)
    await world.parts.sender_domains.check(SHOP)
    await world.answer("crash1")
    dying = _Dying()
    message = record({"shop": SHOP, "message_id": "crash1"})
    assert await failures(world.outbound(dying).handle_all, message) != {}
    await dying.close()
    [mail] = [one for one in await world.mailbox() if one["tags"]["cplus-message"] == "crash1"]
    told = {
        "messageId": mail["message_id"],
        "timestamp": world.now.isoformat(),
        "tags": {name: [value] for name, value in mail["tags"].items()},
    }
    event = record({"eventType": "Send", "mail": told, "send": {}}, "send")
    assert await failures(world.email_events.handle_all, event) == {}
    assert (await fate(world, "crash1")).fallback == domain


async def test_a_domain_belongs_to_the_shop_that_proves_it_and_to_its_next_owner(
    world: World, domain: str
) -> None:
    await world.install(BIRCH)
    first = await set_up(world, domain)
    second = await add(world, domain, BIRCH)
    assert second[0].value != first[0].value, "SES's keys are the same, the proof is not"
    found = (await own(world, BIRCH)).found
    assert found is not None
    assert (found.holder, found.verified) == ("another", True)
    assert not (await own(world, BIRCH)).works
    await write(world, first[0], second[0])  # both: who was first keeps it
    assert not (await own(world, BIRCH)).works
    await world.parts.sender_domains.check(BIRCH)
    assert not (await own(world, BIRCH)).works
    await write(world, second[0])
    await world.parts.sender_domains.check(BIRCH)
    assert (await own(world, BIRCH)).works
    await world.parts.sender_domains.check(SHOP)
    assert (await own(world)).fallback == domain


async def test_a_removed_domain_leaves_nothing_and_mail_leaves_from_ours(
    world: World, domain: str
) -> None:
    await set_up(world, domain)
    ses = await world.aws.client("sesv2")
    assert (await ses.get_email_identity(EmailIdentity=domain))["VerifiedForSendingStatus"]
    await sender_domains.remove_domain(SHOP, **by(world))
    for _ in range(2):
        await sweep(world)
        await look_at_domain(to_look_at(SHOP, domain, world.now), world.parts.due_work)
    with pytest.raises(ses.exceptions.NotFoundException):
        await ses.get_email_identity(EmailIdentity=domain)
    database = world.parts.mongo.database
    assert await database[SENDER_DOMAINS].find_one({"_id": domain}) is None
    assert await database[DUE].find_one({"what": SENDER_DOMAIN}) is None
    async with plain_http() as http:
        tenants = (await http.get(f"{world.endpoint}/_local/ses")).json()["tenants"]
    stage = world.parts.settings.ses_configuration_set
    assert not any(domain in one for one in tenants[tenant_of(SHOP, stage)]["resources"])
    mail = await sent(world, "ours1")
    assert mail is not None
    assert mail["from"].endswith(f"@{DOMAIN}>")
    assert (await fate(world, "ours1")).fallback is None


async def test_when_nobody_answers_what_was_known_of_a_domain_stands(
    world: World, domain: str
) -> None:
    await set_up(world, domain)
    names = (proof_name(domain), *dmarc_names(domain))
    asked: list[str] = []
    together = asyncio.Barrier(len(names))

    async def deaf(name: str) -> list[str]:
        asked.append(name)
        await together.wait()  # for ever, if one is asked after the other
        raise DnsUnanswered(name=name, error="Timeout")

    before = await own(world)
    await dataclasses.replace(world.parts.sender_domains, texts=deaf).check(SHOP)
    assert await own(world) == before
    assert sorted(asked) == sorted(names)


async def test_a_name_server_that_does_not_answer_is_no_answer() -> None:
    with pytest.raises(DnsUnanswered):
        await Resolver("127.0.0.1:1", seconds=0.01).texts("a.example")


async def test_a_shop_deletes_no_identity_of_another_that_adds_the_same_domain(
    world: World, domain: str
) -> None:
    await world.install(BIRCH)
    ses = await world.aws.client("sesv2")
    wanted = await add(world, domain)
    await write(world, *[one for one in wanted if one.kind != "proof"])
    await world.parts.sender_domains.check(SHOP)
    found = (await own(world)).found
    assert found is not None
    assert (found.holder, found.verified) == ("nobody", True)
    await add(world, domain, BIRCH)
    await sender_domains.remove_domain(BIRCH, **by(world))
    for _ in range(2):
        await look_at_domain(to_look_at(BIRCH, domain, world.now), world.parts.due_work)
    assert (await ses.get_email_identity(EmailIdentity=domain))["VerifiedForSendingStatus"]
    await sender_domains.remove_domain(SHOP, **by(world))
    await look_at_domain(to_look_at(SHOP, domain, world.now), world.parts.due_work)
    with pytest.raises(ses.exceptions.NotFoundException):
        await ses.get_email_identity(EmailIdentity=domain)
    assert await world.parts.mongo.database[SENDER_DOMAINS].find_one({"_id": domain}) is None


async def test_once_a_domain_is_anothers_no_mail_leaves_from_it_and_its_shop_is_looked_at(
    world: World, domain: str
) -> None:
    await world.install(BIRCH)
    first = await set_up(world, domain)
    await follow(TENANTS, SHOP, world.parts.reactor)
    second = await add(world, domain, BIRCH)
    await write(world, first[0], gone=True)
    await write(world, second[0])
    await world.parts.sender_domains.check(BIRCH)
    assert (await own(world, BIRCH)).works
    assert (await own(world)).works, "nobody looked at it since"
    due = await world.parts.mongo.database[DUE].find_one(
        {"_id": to_look_at(SHOP, domain, world.now).id}
    )
    assert due is not None
    assert due["due_at"] <= world.now
    mail = await sent(world, "late1")
    assert mail is not None
    assert mail["from"].endswith(f"@{DOMAIN}>")
    assert (await fate(world, "late1")).fallback == domain
    assert not (await own(world)).works


async def test_a_mail_is_counted_and_given_back_by_what_was_known_when_it_was_begun(
    world: World, domain: str
) -> None:
    wanted = await set_up(world, domain)
    usual = registered()[REPLY]

    async def ready(shop: str, wish: ReplyWritten, use: MailParts) -> Mail | Never | Later:
        """Made while the domain fails."""
        made = await usual.ready(shop, wish, use)
        await write(world, *[one for one in wanted if one.kind == "dkim"], gone=True)
        await world.parts.sender_domains.check(SHOP)
        return made

    await world.answer("between1")
    purposes = {REPLY: Purpose(REPLY, ready, threads=True)}
    message = record({"shop": SHOP, "message_id": "between1"})
    outbound = dataclasses.replace(world.outbound(), purposes=purposes)
    assert await failures(outbound.handle_all, message) == {}
    row = await world.parts.mongo.database[BUDGET].find_one({"_id": SHOP})
    assert row is not None
    assert row["all_today"] == 0
    assert row.get("ours_today", 0) == 0, "it took nothing of ours"
    assert await failures(world.outbound().handle_all, message) == {}
    assert (await fate(world, "between1")).fallback == domain
    assert await world.parts.mail_budget.used(SHOP) == 1


async def test_staff_has_a_domain_looked_at_once_in_some_seconds(world: World) -> None:
    use = world.parts.sender_domains
    assert await use.may_check(SHOP)
    assert not await use.may_check(SHOP)
    assert await use.may_check(BIRCH), "it is each shop's own"


async def test_a_mail_that_ses_refuses_for_another_reason_is_refused_though_it_is_tried_again(
    world: World, domain: str
) -> None:
    await set_up(world, domain)
    await world.answer("bad1")
    async with plain_http() as http:
        fail = {"fail": [{"how": "reject", "times": 2}]}
        await http.post(f"{world.endpoint}/_local/ses", json=fail)
    message = record({"shop": SHOP, "message_id": "bad1"})
    for _ in range(2):
        assert await failures(world.outbound().handle_all, message) == {}
    assert (await world.types())[-1] == ["rejected", "delivery_failed"]
    assert (await own(world)).works


async def test_our_own_mail_that_comes_back_from_the_domain_starts_nothing(
    world: World, domain: str
) -> None:
    await set_up(world, domain)
    mail = await sent(world, "loop1")
    assert mail is not None
    before = len(await world.received())
    await world.receive(await raw_of(world, mail), "ses9")
    assert len(await world.received()) == before
    assert (await world.commits())[-1].documents == []


def test_a_domain_is_looked_at_less_often_the_longer_nothing_changes(world: World) -> None:
    domain = SenderDomain("acorn.example", world.now)
    pauses = [
        pause(domain, world.now + timedelta(minutes=minutes))
        for minutes in (0, 20, 200, 2_000, 20_000)
    ]
    assert pauses == sorted(set(pauses))
    assert mail_from_domain(domain.name) == "bounces.acorn.example"
