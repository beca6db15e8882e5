"""`cplus dead`: messages that failed too often."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cplus.cli.connecting import Reached, ReachedAws, data_of, failures, json_option
from cplus.cli.looking import operator_of, operator_option
from cplus.cli.plain import plain
from cplus.counts import counted
from cplus.errors import CplusError

if TYPE_CHECKING:
    from cplus.aws import DeadQueue, Redrive
    from cplus.consumers.dead_letters import Listed, Shown

_MOST = 1_000  # MOST of cplus.aws.dead_letters, which this command does not import to say its help


class NoQueues(CplusError):
    """The stage {stage!r} has no dead-letter queues in this account and region; check CPLUS_STAGE,
    AWS_DEFAULT_REGION and the credentials, or give --data DIR."""


@click.group()
def dead() -> None:
    """Look at dead letters, redrive and delete them."""


@dead.command("list", short_help="Count dead letters, or list those of a queue.")
@click.argument("queue", required=False)
@click.option(
    "--limit",
    type=click.IntRange(1, _MOST),
    default=100,
    show_default=True,
    help="Messages of QUEUE at most.",
)
@data_of("the queues")
@json_option
def list_command(*, queue: str | None, limit: int, data: Path | None, as_json: bool) -> None:
    """Count the dead letters of each queue, or list those of QUEUE, oldest first, without their
    bodies. While they are listed, a redrive does not find them.

    Needs AWS credentials and CPLUS_STAGE, or --data.
    """
    from cplus.loop import run

    with failures():
        if queue is None:
            queues = run(_queues(at := ReachedAws(data)))
            if not queues:
                raise NoQueues(stage=at.settings.stage)
            said: dict[str, Any] = {"queues": [asdict(one) for one in queues]}
            lines = [f"{one.queue}: {counted(one.messages, 'dead letter')}" for one in queues]
        else:
            letters = run(_letters(ReachedAws(data), queue, limit))
            said = {"queue": queue, "letters": [_told(one) for one in letters]}
            lines = [_line(one) for one in letters] or [f"{queue}: 0 dead letters"]
    click.echo(json.dumps(said) if as_json else "\n".join(lines))


@dead.command("show", short_help="Show a dead letter.")
@click.argument("queue")
@click.argument("id_", metavar="ID")
@operator_option
@data_of("the queues and the database")
@json_option
def show_command(
    *, queue: str, id_: str, name: str | None, data: Path | None, as_json: bool
) -> None:
    """Print the body of the dead letter ID of QUEUE, which may hold personal data: the look is
    recorded in the log of the shop that the message names, if it names one.

    Needs CPLUS_MONGO_URI, AWS credentials and CPLUS_STAGE, or --data.
    """
    from cplus.consumers.dead_letters import without_body
    from cplus.loop import run

    with failures():
        shown = run(_show(Reached(data), queue, id_, name))
    if as_json:
        said = {
            "queue": queue,
            **_told(without_body(queue, shown.letter)),
            "recorded": shown.recorded,
        }
        click.echo(json.dumps({**said, "body": shown.letter.body}))
    else:
        click.echo(plain(shown.letter.body))


@dead.command("delete", short_help="Delete a dead letter for good.")
@click.argument("queue")
@click.argument("id_", metavar="ID")
@data_of("the queues")
@json_option
def delete_command(*, queue: str, id_: str, data: Path | None, as_json: bool) -> None:
    """Delete the dead letter ID of QUEUE for good, without showing it.

    Needs AWS credentials and CPLUS_STAGE, or --data.
    """
    from cplus.loop import run

    with failures():
        run(_delete(ReachedAws(data), queue, id_))
    said = {"queue": queue, "deleted": id_}
    click.echo(json.dumps(said) if as_json else f"{queue}: {id_} deleted")


@dead.command("redrive", short_help="Send the dead letters of a queue back to it.")
@click.argument("queue")
@click.option("--per-second", type=click.IntRange(1, 500), help="Messages per second at most.")
@data_of("the queues")
@json_option
def redrive_command(
    *, queue: str, per_second: int | None, data: Path | None, as_json: bool
) -> None:
    """Send all dead letters of QUEUE back to it. On AWS this goes on after the command has ended.

    Needs AWS credentials and CPLUS_STAGE, or --data.
    """
    from cplus.loop import run

    with failures():
        found = run(_redrive(ReachedAws(data), queue, per_second))
    if as_json:
        click.echo(json.dumps(asdict(found)))
    else:
        total = counted(found.messages, "dead letter")
        click.echo(f"{queue}: {found.moved} of {total} redriven ({found.status.lower()})")


async def _queues(at: ReachedAws) -> list[DeadQueue]:
    async with at:
        return await at.dead_letters.queues()


async def _letters(at: ReachedAws, queue: str, limit: int) -> list[Listed]:
    from cplus.consumers.dead_letters import listed

    async with at:
        return await listed(queue, limit, dead=at.dead_letters)


async def _delete(at: ReachedAws, queue: str, id_: str) -> None:
    async with at:
        await at.dead_letters.delete(queue, id_)


async def _redrive(at: ReachedAws, queue: str, per_second: int | None) -> Redrive:
    async with at:
        return await at.dead_letters.redrive(queue, per_second=per_second)


async def _show(at: Reached, queue: str, id_: str, name: str | None) -> Shown:
    from cplus.consumers.dead_letters import show

    actor = operator_of(at.settings, name)
    async with at:
        use = at.parts.looks
        return await show(queue, id_, actor=actor, source="cli", dead=at.dead_letters, use=use)


def _told(one: Listed) -> dict[str, Any]:
    return {**asdict(one), "sent_at": one.sent_at.isoformat()}


def _line(one: Listed) -> str:
    times, size = counted(one.receives, "time"), counted(one.size, "byte")
    shop = one.shop or "no shop named"
    return f"{one.id}  {one.sent_at:%Y-%m-%d %H:%M:%S} UTC  {shop}  received {times}, {size}"
