"""`cplus erase`: erases what is kept about a person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cplus.cli.connecting import Reached, data_of, failures, json_option
from cplus.cli.looking import looked, operator_of, operator_option
from cplus.counts import counted

if TYPE_CHECKING:
    from cplus.actors import Actor
    from cplus.privacy.ledger import Erased


@click.group()
def erase() -> None:
    """Erase what is kept about a person."""


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
    out to be theirs: keys are destroyed, objects deleted, rows cleared. Repeatable: it completes
    what was begun before. The look at whom it is, and who asked for it, are recorded.

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

    async with at:
        parts, shop, person = at.parts, found.shop, found.persons[0]
        asked = await erase_person(
            *(shop, person),
            key=random_id(),
            source="cli",
            actor=found.actor,
            use=parts.erasures,
        )
        return await carry_out(shop, asked.erasure, use=parts.erasing)


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
