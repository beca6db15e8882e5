"""`cplus audit at`: a stream or a row of a read model as it stood."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cplus.cli.connecting import Reached, data_option, failures, json_option
from cplus.cli.looking import looked, operator_of, operator_option
from cplus.cli.moments import POSITION, moment
from cplus.cli.plain import plain, value_line

if TYPE_CHECKING:
    from cplus.projections.base import Row

When = int | datetime
"""A position, or a time."""


def _when(ctx: click.Context, param: click.Parameter, value: str | None) -> When | None:
    if value is not None and value.isdecimal():
        return int(POSITION(value, param, ctx))
    return moment(ctx, param, value)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be shown, and as of when."""

    host: str
    when: When
    later: When | None
    stream: str | None
    row: tuple[str, str] | None


@click.command("at", short_help="Show a stream or a row as it stood.")
@click.argument("when", metavar="TIME|POSITION", callback=_when)
@click.argument("host")
@click.option("--stream", metavar="NAME", help="Show the events of this stream up to then.")
@click.option(
    "--row", nargs=2, metavar="NAME KEY", help="Show the row with this key of this read model."
)
@click.option(
    "--diff",
    "later",
    metavar="TIME|POSITION",
    callback=_when,
    help="Show what changed from then until this time or position.",
)
@operator_option
@data_option
@json_option
def at_command(
    *,
    when: When,
    host: str,
    stream: str | None,
    row: tuple[str, str] | None,
    later: When | None,
    name: str | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Show a stream, or a row of a read model, of the shop HOST as it stood at a time (UTC) or
    right after a position. A row is folded from the log by this code. Recorded as a look.

    Needs CPLUS_MONGO_URI, or --data.
    """
    from cplus.loop import run

    if (stream is None) == (row is None):
        raise click.UsageError("give --stream NAME or --row NAME KEY")
    with failures():
        said = run(_at(Reached(data), _Asked(host, when, later, stream, row), name))
    click.echo(json.dumps(said, default=_said) if as_json else plain("\n".join(_lines(said))))


async def _at(at: Reached, asked: _Asked, name: str | None) -> dict[str, Any]:
    """What there is to say; recorded as a look once it is known to be there."""
    actor, concerning = operator_of(at.settings, name), set[str]()
    async with at:
        shop = await at.shop_of_log(asked.host)
        position = await _position(at, shop, asked.when)
        until = None if asked.later is None else await _position(at, shop, asked.later)
        if until is not None and until < position:
            raise click.UsageError("what --diff names is before the other")
        said: dict[str, Any] = {"shop": shop, "position": position, "until": until}
        if asked.stream is not None:
            about = asked.stream
            said |= await _stream(at, shop, asked.stream, position, until, concerning)
        else:
            assert asked.row is not None  # noqa: S101  one of them is given
            about = _about(*asked.row)
            said |= await _row(at, shop, asked.row, position, until, concerning)
        await looked(at, shop, "audit at", about, actor, sorted(concerning))
        return said


async def _position(at: Reached, shop: str, when: When) -> int:
    from cplus.events.audit.questions import commit_at

    if isinstance(when, datetime):
        return await at.store.position_at(shop, when)
    return (await commit_at(at.store, shop, when)).position


async def _stream(
    at: Reached, shop: str, stream: str, position: int, until: int | None, concerning: set[str]
) -> dict[str, Any]:
    """The events, and in `concerning` whom and which conversations they name."""
    from cplus.errors import NotFound
    from cplus.events.audit.questions import event_as_json
    from cplus.projections.checks.as_it_was import stream_at

    events = await stream_at(at.store, at.reader, shop, stream, until or position)
    if not events:
        raise NotFound(what="stream by then")
    shown = [one for one in events if until is None or one.position > position]
    concerning |= _named([one.event.model_dump() for one in shown])
    said = [{"position": one.position, "actor": one.actor, **event_as_json(one)} for one in shown]
    return {"stream": stream, "events": said}


async def _row(
    at: Reached,
    shop: str,
    asked: tuple[str, str],
    position: int,
    until: int | None,
    concerning: set[str],
) -> dict[str, Any]:
    """The row, and in `concerning` whom and which conversation it names."""
    from cplus.errors import NotFound
    from cplus.projections.checks.as_it_was import changed, row_at
    from cplus.projections.groups import named

    name, key = asked
    projection = named(name)

    async def row(then: int) -> Row | None:
        return await row_at(at.store, at.reader, projection, shop, key, then)

    first = await row(position)
    last = first if until is None else await row(until)
    if first is None and last is None:
        raise NotFound(what="row by then")
    concerning |= _named([row for row in (first, last) if row is not None])
    said: dict[str, Any] = {"projection": name, "key": key}
    return said | ({"row": first} if until is None else {"changed": changed(first, last)})


def _named(shown: Iterable[Mapping[str, Any]]) -> set[str]:
    """The persons and conversations that rows or events name, as refs of the log."""
    from cplus.events.names import conversation_stream

    found = set[str]()
    for one in shown:
        found |= {str(one[name]) for name in ("person", "absorbed") if one.get(name)}
        if talk := one.get("conversation_id"):
            found.add(conversation_stream(talk))
    return found


def _about(name: str, key: str) -> str:
    """By what the look is found: rows of these two are keyed by the log's own names."""
    return {"conversations": f"conversation/{key}", "customers": key}.get(name, f"{name}/{key}")


def _lines(said: dict[str, Any]) -> list[str]:
    if "events" in said:
        return [
            f"{one['position']}  {one['occurred_at']}  {one['actor']}: {one['type']}"
            + "".join(f"\n  {name}: {_text(value)}" for name, value in one["data"].items())
            for one in said["events"]
        ] or ["nothing changed"]
    if "row" in said:
        return [f"{name}: {_text(value)}" for name, value in said["row"].items()]
    return [
        f"{name}: {_text(old)} -> {_text(new)}" for name, (old, new) in said["changed"].items()
    ] or ["nothing changed"]


def _text(value: Any) -> str:
    return value_line(value, _said)


def _said(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
