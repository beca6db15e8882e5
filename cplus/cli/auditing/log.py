"""`cplus log`: asks the log who did what, when and why."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cplus.cli.connecting import Reached, data_option, failures, json_option
from cplus.cli.looking import looked, operator_of, operator_option
from cplus.cli.moments import POSITION, moment
from cplus.cli.plain import plain
from cplus.counts import counted

if TYPE_CHECKING:
    from typing import TypeAlias

    from cplus.actors import Actor
    from cplus.events.audit.history import History
    from cplus.events.audit.trace import Trace
    from cplus.events.log.commit import Commit

    _Asked: TypeAlias = tuple[AsyncIterator[Commit], Collection[str]]
    """The commits, and whom it is about; nobody for everybody."""

_from = click.option(
    "--from", "since", callback=moment, help="Recorded at this time or later (UTC)."
)
_to = click.option("--to", "before", callback=moment, help="Recorded before this time (UTC).")


@click.group()
def log() -> None:
    """Ask the log who did what, when and why.

    Every look at personal data is recorded in the log of the shop: give your name with --operator,
    or CPLUS_OPERATOR.
    """


@log.command("show", short_help="Show a commit with its events.")
@click.argument("host")
@click.argument("position", type=POSITION)
@operator_option
@data_option
@json_option
def show_command(
    *, host: str, position: int, name: str | None, data: Path | None, as_json: bool
) -> None:
    """Show the commit at POSITION of the shop HOST with its events. Recorded as a look.

    Needs CPLUS_MONGO_URI, or --data.
    """
    from cplus.cli.auditing.log_lines import shown
    from cplus.loop import run

    with failures():
        said = run(_show(Reached(data), host, position, name))
    click.echo(json.dumps(said) if as_json else plain("\n".join(shown(said))))


async def _show(at: Reached, host: str, position: int, name: str | None) -> dict[str, Any]:
    from cplus.events.audit.questions import commit_at, told

    actor = operator_of(at.settings, name)
    async with at:
        shop = await at.shop_of_log(host)
        commit = await commit_at(at.store, shop, position)
        await looked(at, shop, "log show", f"position/{position}", actor, commit.refs)
        return told(commit, await at.reader.of(commit))


@log.command("trace", short_help="Show what led to a commit, and what it led to.")
@click.argument("id_", metavar="ID")
@click.option("--shop", "host", metavar="HOST", help="Look for ID in this shop only.")
@operator_option
@data_option
@json_option
def trace_command(
    *, id_: str, host: str | None, name: str | None, data: Path | None, as_json: bool
) -> None:
    """Show what led to a commit and what it led to, as a tree, from webhook or mail to delivered.

    ID is that of a commit or an event; with --shop also a position, a claim (webhook/TOPIC/ID,
    mail/ID, reply/KEY) or the id of a message. Shows types and who acted, and none of the data.
    Recorded as a look. Needs CPLUS_MONGO_URI, or --data.
    """
    from cplus.cli.auditing.log_lines import tree, tree_as_json
    from cplus.loop import run

    with failures():
        commit, found = run(_trace(Reached(data), id_, host, name))
    if as_json:
        said = {"asked": commit.id, "cut": found.cut, "commits": tree_as_json(found)}
        click.echo(json.dumps(said))
        return
    click.echo(plain("\n".join(tree(found, commit.id))))
    if found.cut:
        click.echo(f"only {counted(found.commits, 'commit')} are shown; there are more", err=True)


async def _trace(at: Reached, id_: str, host: str | None, name: str | None) -> tuple[Commit, Trace]:
    from cplus.events.audit.questions import find_commit
    from cplus.events.audit.trace import trace

    actor = operator_of(at.settings, name)
    async with at:
        shop = None if host is None else await at.shop_of_log(host)
        commit = await find_commit(at.store, id_, shop)
        about = f"position/{commit.position}"
        await looked(at, commit.shop, "log trace", about, actor, commit.refs)
        return commit, await trace(at.store, commit)


@log.command("conversation", short_help="Show who did what to a conversation.")
@click.argument("host")
@click.argument("conversation_id", metavar="ID")
@click.option("--before", type=POSITION, metavar="POSITION", help="Only what came before it.")
@operator_option
@data_option
@json_option
def conversation_command(
    *,
    host: str,
    conversation_id: str,
    before: int | None,
    name: str | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Show who did what to the conversation ID of the shop HOST, newest first, 50 commits at a
    time, without what was written. Recorded as a look.

    Needs CPLUS_MONGO_URI, or --data.
    """
    from cplus.cli.auditing.log_lines import entry, entry_as_json
    from cplus.loop import run

    with failures():
        found = run(_conversation(Reached(data), host, conversation_id, before, name))
    if as_json:
        entries = [entry_as_json(one) for one in found.entries]
        click.echo(json.dumps({"entries": entries, "older": found.older}))
        return
    click.echo(plain("\n".join(map(entry, found.entries))))
    if found.older:
        click.echo(f"earlier: --before {found.older}", err=True)


async def _conversation(
    at: Reached, host: str, conversation_id: str, before: int | None, name: str | None
) -> History:
    from cplus.errors import NotFound
    from cplus.events.audit.history import history
    from cplus.events.names import conversation_stream

    actor = operator_of(at.settings, name)
    async with at:
        shop, stream = await at.shop_of_log(host), conversation_stream(conversation_id)
        if not (await at.store.latest(shop, stream))[0]:
            raise NotFound(what="conversation")
        await looked(at, shop, "log conversation", stream, actor)
        return await history(at.store, at.reader, shop, conversation_id, before=before)


@log.command("person", short_help="Print everything about a person.")
@click.argument("host")
@click.argument("person")
@operator_option
@data_option
def person_command(*, host: str, person: str, name: str | None, data: Path | None) -> None:
    """Print everything that the log of the shop HOST has about PERSON (person/ID, or an address),
    under all ids that turned out to be theirs, with the conversations that they took part in, but
    for the events that are about others: one JSON object per commit and line, in order. Recorded as
    a look.

    Needs CPLUS_MONGO_URI, for an address also CPLUS_APPLICATION_SECRET; or --data.
    """
    from cplus.loop import run

    async def asked(at: Reached, shop: str, actor: Actor) -> _Asked:
        from cplus.cli.auditing.people import persons_named
        from cplus.events.audit.questions import about_person, talks_of

        ids = await persons_named(at, shop, person)
        talks = await talks_of(at.store, shop, ids)
        await looked(at, shop, "log person", ids[0], actor, [*ids, *talks])
        return about_person(at.store, shop, ids), ids

    with failures():
        run(_lines(Reached(data), host, name, asked))


@log.command("export", short_help="Print the log of a shop as JSON lines.")
@click.argument("host")
@_from
@_to
@operator_option
@data_option
def export_command(
    *,
    host: str,
    since: datetime | None,
    before: datetime | None,
    name: str | None,
    data: Path | None,
) -> None:
    """Print the log of the shop HOST, or what was recorded between two times: one JSON object per
    commit and line, in order, 200 commits in memory at once. Recorded as a look.

    Needs CPLUS_MONGO_URI, or --data.
    """
    from cplus.loop import run

    _check(since, before)

    async def asked(at: Reached, shop: str, actor: Actor) -> _Asked:
        from cplus.events.audit.questions import of_shop

        # Up to here: what is written meanwhile, and this look, is not a part of it.
        head = (await at.store.head(shop)).position
        span = [one.isoformat() if one else "" for one in (since, before)]
        await looked(at, shop, "log export", f"recorded/{'/'.join(span)}", actor)
        return of_shop(at.store, shop, since, before, until=head), ()

    with failures():
        run(_lines(Reached(data), host, name, asked))


async def _lines(
    at: Reached,
    host: str,
    name: str | None,
    asked: Callable[[Reached, str, Actor], Awaitable[_Asked]],
) -> None:
    """Prints a commit in each line; the first only once the look is recorded."""
    from cplus.events.audit.questions import as_json

    actor = operator_of(at.settings, name)
    async with at:
        commits, persons = await asked(at, await at.shop_of_log(host), actor)
        async with aclosing(as_json(at.reader, commits, persons)) as rows:
            async for row in rows:
                click.echo(json.dumps(row))


@log.command("between", short_help="List what was recorded between two times.")
@click.argument("since", metavar="FROM", callback=moment)
@click.argument("before", metavar="TO", callback=moment)
@click.option("--shop", "hosts", multiple=True, help="Only this shop; repeatable.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=1_000,
    show_default=True,
    help="Commits at most.",
)
@data_option
@json_option
def between_command(
    *,
    since: datetime,
    before: datetime,
    hosts: Sequence[str],
    limit: int,
    data: Path | None,
    as_json: bool,
) -> None:
    """List what was recorded from the time FROM until before TO (UTC), in all shops or in some:
    when, where, by which kind of actor, and of which types.

    Names nobody and shows no data, so it is not recorded as a look. Without --shop in the order of
    time, which is approximate across shops. Needs CPLUS_MONGO_URI, or --data.
    """
    from cplus.cli.auditing.log_lines import commit_as_json, commit_line
    from cplus.loop import run

    _check(since, before)
    with failures():
        found = run(_between(Reached(data), since, before, hosts, limit + 1))
    commits, more = found[:limit], len(found) > limit
    if as_json:
        said = {"commits": [commit_as_json(one) for one in commits], "more": more}
        click.echo(json.dumps(said))
        return
    for one in commits:
        click.echo(plain(commit_line(one)))
    if more:
        click.echo(f"stopped after {counted(limit, 'commit')}; there are more", err=True)


async def _between(
    at: Reached, since: datetime, before: datetime, hosts: Sequence[str], limit: int
) -> list[Commit]:
    from cplus.events.audit.questions import recorded_between

    async with at:
        shops = [await at.shop_of_log(host) for host in dict.fromkeys(hosts)]
        return await recorded_between(at.store, since, before, shops, limit)


def _check(since: datetime | None, before: datetime | None) -> None:
    if since is not None and before is not None and since >= before:
        raise click.UsageError("the time to end before is not after the time to begin from")
