"""`cplus erase`: erases what is kept about a person or in a shop, and proves it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from cplus.cli.connecting import Reached, data_of, failures, json_option
from cplus.cli.looking import looked, operator_of, operator_option
from cplus.counts import counted
from cplus.errors import CplusError

if TYPE_CHECKING:
    from cplus.actors import Actor
    from cplus.privacy.ledger import Erased

_PATIENCE: Final = 60.0
"""Seconds to wait until the read models show an erasure."""


class StillInstalled(CplusError):
    """{shop} has the app installed: the merchant removes it first."""


@click.group()
def erase() -> None:
    """Erase what is kept about a person or in a shop, and prove it."""


@erase.command("person", short_help="Erase a person for good.")
@click.argument("host")
@click.argument("person")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@operator_option
@data_of("the database, the buckets and the topic")
@json_option
def person_command(
    *, host: str, person: str, yes: bool, name: str | None, data: Path | None, as_json: bool
) -> None:
    """Erase PERSON (person/ID, or an address) of the shop HOST for good, under all ids that turned
    out to be theirs: keys are destroyed, objects deleted, rows cleared. Waits up to a minute
    for rows that are behind. Repeatable: it completes what was begun before. The look at whom it
    is, and who asked for it, are recorded.

    Needs CPLUS_MONGO_URI, CPLUS_APPLICATION_SECRET, CPLUS_MAIL_BUCKET, CPLUS_BODIES_BUCKET,
    CPLUS_ROOTS_BUCKET and AWS credentials; or --data.
    """
    from cplus.loop import run

    with failures():
        found = run(_find(Reached(data), host, person, name))
    if not yes:
        click.echo(found.text(), err=True)
        click.confirm("This cannot be undone. Erase this person?", abort=True, err=True)
    with failures():
        done = run(_erase(Reached(data), found))
    click.echo(json.dumps(_told(done)) if as_json else _text(done))


@erase.command("shop", short_help="Erase everybody of a shop that removed the app.")
@click.argument("host")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@operator_option
@data_of("the database, the buckets and the topic")
@json_option
def shop_command(
    *, host: str, yes: bool, name: str | None, data: Path | None, as_json: bool
) -> None:
    """Erase everything that is kept about anybody in the shop HOST, which must have removed the
    app. Repeatable.

    Needs the same as `cplus erase person`.
    """
    from cplus.loop import run

    if not yes:
        question = f"This cannot be undone. Erase everybody of {host}?"
        click.confirm(question, abort=True, err=True)
    with failures():
        shop, erasure = run(_erase_shop(Reached(data), host, name))
    told = {"shop": shop, "erasure": erasure}
    click.echo(json.dumps(told) if as_json else f"{shop} erased (erasure {erasure})")


@erase.command("reapply", short_help="Erase once more after a backup was restored.")
@operator_option
@data_of("the database, the buckets and the topic")
@json_option
def reapply_command(*, name: str | None, data: Path | None, as_json: bool) -> None:
    """Erase on this database whatever the ledger of erasures names: after a backup was restored,
    which has the keys of before again. Repeatable. Entries that the roots do not bear out are
    refused: then it ends with status 1, once everything else is erased.

    Needs the same as `cplus erase person`.
    """
    from cplus.loop import run

    with failures():
        told = run(_reapply(Reached(data), name))
    click.echo(json.dumps(told) if as_json else _reapplied(told))
    if told["refused"]:
        raise SystemExit(1)


@erase.command("certificate", short_help="Print the proof of an erasure.")
@click.argument("host")
@click.argument("erasure")
@data_of("the database and the buckets")
def certificate_command(*, host: str, erasure: str, data: Path | None) -> None:
    """Print the certificate of the ERASURE of somebody of the shop HOST, or of the shop, as JSON.
    It names nobody.

    Needs CPLUS_MONGO_URI, CPLUS_ROOTS_BUCKET and AWS credentials; or --data.
    """
    from cplus.loop import run

    with failures():
        click.echo(run(_certificate(Reached(data), host, erasure)))


async def _erase_shop(at: Reached, host: str, name: str | None) -> tuple[str, str]:
    from cplus.clock import utc_now
    from cplus.ids import random_id
    from cplus.privacy.erasing.asking import ask_for_shop
    from cplus.privacy.erasing.shops import erase_shop_at_once

    actor = operator_of(at.settings, name)
    async with at:
        use, shop, erasure = at.parts.erasing_shops, await at.shop_of_log(host), random_id()
        known = await at.parts.queries.shop(shop)
        # The read model may be behind, and who was never told of a removal can ask for it.
        if (known is not None and known.installed) or await at.parts.standing(shop) is not None:
            raise StillInstalled(shop=shop)
        await ask_for_shop(
            use.recorder, shop, erasure=erasure, source="cli", actor=str(actor), at=utc_now()
        )
        if not await erase_shop_at_once(shop, erasure, use=use):
            raise StillInstalled(shop=shop)
        return shop, erasure


async def _reapply(at: Reached, name: str | None) -> dict[str, Any]:
    from cplus.events.audit.roots import load_roots
    from cplus.privacy.erasing.reapplying import Believed, reapply

    actor, found = str(operator_of(at.settings, name)), Believed()
    async with at:
        parts, now = at.parts, at.parts.clock()
        bucket = parts.settings.needed("roots_bucket")
        roots = await load_roots(parts.aws, bucket, now.date(), began=None)
        async for stored in parts.ledger.entries():
            found.take(stored, roots, now)
        use, shops = parts.erasing, parts.erasing_shops
        done = [one async for one in reapply(found.entries, actor=actor, use=use, shops=shops)]
    return {
        "erasures": [_named(entry) for entry, reason in done if reason is None],
        "passed_over": [{**_named(entry), "reason": reason} for entry, reason in done if reason],
        "not_covered": found.not_covered,
        "refused": found.refused,
    }


def _named(entry: Erased) -> dict[str, Any]:
    return {"shop": entry.shop, "erasure": entry.erasure, "persons": list(entry.persons)}


def _reapplied(told: dict[str, Any]) -> str:
    def whom(one: dict[str, Any]) -> str:
        return f"{one['shop']}: {', '.join(one['persons']) or 'everybody'}"

    return "\n".join(
        [
            *(f"{whom(one)} erased again" for one in told["erasures"]),
            *(f"{whom(one)} passed over: {one['reason']}" for one in told["passed_over"]),
            *(f"no root covers {key} yet" for key in told["not_covered"]),
            *(f"REFUSED: {wrong}" for wrong in told["refused"]),
            f"{counted(len(told['erasures']), 'erasure')} reapplied",
        ]
    )


async def _certificate(at: Reached, host: str, erasure: str) -> str:
    from cplus.errors import NotFound

    async with at:
        shop = await at.shop_of_log(host)
        found = await at.parts.certificates.of(shop, erasure)
        if found is None:
            raise NotFound(what="certificate")
        return found.to_json().decode()


class _Found(NamedTuple):
    """Whom it is about."""

    shop: str
    persons: list[str]
    actor: Actor
    conversations: int
    messages: int

    def text(self) -> str:
        """What is asked about, without their words."""
        conversations = counted(self.conversations, "conversation")
        messages = counted(self.messages, "message")
        return f"{self.shop}: {', '.join(self.persons)} with {conversations} and {messages}"


async def _find(at: Reached, host: str, named: str, name: str | None) -> _Found:
    from cplus.cli.auditing.people import persons_named
    from cplus.events.names import conversation_stream
    from cplus.privacy.erasing import list_held

    actor = operator_of(at.settings, name)
    async with at:
        shop = await at.shop_of_log(host)
        persons = await persons_named(at, shop, named)
        held = await list_held(at.store, at.reader, shop, persons)
        talks = list(map(conversation_stream, held.conversations))
        await looked(at, shop, "erase person", persons[0], actor, [*persons, *talks])
        return _Found(shop, persons, actor, len(talks), len(held.messages))


async def _erase(at: Reached, found: _Found) -> Erased:
    from cplus.commands.erasing import erase_person
    from cplus.ids import random_id
    from cplus.privacy.erasing import erase as carry_out
    from cplus.privacy.erasing import patient

    async with at:
        parts, shop, person = at.parts, found.shop, found.persons[0]
        asked = await erase_person(
            *(shop, person),
            key=random_id(),
            source="cli",
            actor=found.actor,
            use=parts.erasures,
        )
        behind = patient(parts.erasing.behind, _PATIENCE)
        return await carry_out(shop, asked.erasure, use=replace(parts.erasing, behind=behind))


def _told(done: Erased) -> dict[str, Any]:
    return {
        "shop": done.shop,
        "erasure": done.erasure,
        "persons": done.persons,
        "at": done.at.isoformat(),
        "positions": [position for position, _ in done.commits],
        "keys": done.keys,
        "objects": done.objects,
    }


def _text(done: Erased) -> str:
    persons = ", ".join(done.persons)
    keys, objects = counted(done.keys, "key"), counted(done.objects, "object")
    return (
        f"{done.shop}: {persons} erased at {done.at:%Y-%m-%d %H:%M:%S} UTC, {keys} destroyed, "
        f"{objects} deleted (erasure {done.erasure})"
    )
