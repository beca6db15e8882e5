"""`cplus projections`: how far behind read models and reactions are, and resuming parked ones."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import click

from cplus.cli.connecting import Reached, data_option, failures, json_option
from cplus.counts import counted, lasting
from cplus.errors import CplusError

if TYPE_CHECKING:
    from typing import IO, TypeAlias

    from cplus.commands.unparking import GoOn, Unparked
    from cplus.consumers.reactions.reaction import Reaction
    from cplus.deadline import Deadline
    from cplus.projections.lag.lag import Lag
    from cplus.subscriptions.checkpoints import Subscriber
    from cplus.subscriptions.progress import Progress

    _GoingOn: TypeAlias = dict[str, tuple[Subscriber, GoOn]]

_SHOWN = 40
_SECONDS = 300.0


class UnknownReader(CplusError):
    """There is no projection or reaction {name!r}; choose one of: {known}."""


@click.group()
def projections() -> None:
    """Show the lag of read models and reactions; resume parked ones."""


@projections.command("lag", short_help="Show the lag of read models and reactions.")
@click.option("--shop", "shops", multiple=True, help="Only this shop; repeatable.")
@data_option
@json_option
def lag_command(*, shops: Sequence[str], data: Path | None, as_json: bool) -> None:
    """Show how many events and seconds each read model and each reaction is behind, per shop.

    Needs CPLUS_MONGO_URI, or --data.
    """
    from cplus.loop import run

    with failures(), TemporaryFile("w+") as said:
        # To a file first: it is whole or not shown at all, and as long as there are shops.
        run(_lag(Reached(data), shops, _Json(said) if as_json else Text(said)))
        said.seek(0)
        for line in said:
            click.echo(line, nl=False)


class Text:
    """Writes the readers that are behind or parked, the worst first, then the totals. Holds those
    that it will show, however many shops there are."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._worst: list[Lag] = []
        self._late = self._shops = 0
        self._used: set[str] = set()
        self._unused: set[str] = set()

    def add(self, part: Sequence[Lag]) -> None:
        """All readers of some shops."""
        late = [one for one in part if one.behind or one.parked]
        self._late += len(late)
        self._worst = sorted([*self._worst, *late], key=_urgent)[:_SHOWN]
        self._shops += len({one.shop for one in part})
        self._used |= {one.collection for one in part if one.filled}
        self._unused |= {one.collection for one in part if not one.filled}

    def end(self, sums: Mapping[str, Any]) -> None:
        """Writes it."""
        lines = [_line(one) for one in self._worst]
        if self._late > _SHOWN:
            lines.append(f"… and {self._late - _SHOWN:,} more")
        shops, readers = counted(self._shops, "shop"), counted(len(self._used), "reader")
        line = (
            f"{shops}, {readers} each (read models and reactions): "
            f"{counted(sums['behind'], 'event')} behind, at most {lasting(sums['most_seconds'])} "
            f"(p99: {lasting(sums['p99_seconds'])}), {sums['parked']:,} parked"
        )
        if self._unused:
            line += f"; not counting unused generations: {', '.join(sorted(self._unused))}"
        for one in [*lines, line]:
            self._out.write(f"{one}\n")


def _urgent(one: Lag) -> tuple[bool, float, int]:
    return one.parked is None, -one.seconds, -one.behind


class _Json:
    """Writes one JSON object, reader by reader."""

    def __init__(self, out: IO[str]) -> None:
        self._out, self._before = out, '{"shops": ['

    def add(self, part: Sequence[Lag]) -> None:
        for one in part:
            self._out.write(self._before + json.dumps(_told(one)))
            self._before = ",\n"

    def end(self, sums: Mapping[str, Any]) -> None:
        self._out.write(f"],\n{json.dumps(dict(sums))[1:]}\n")


async def _lag(at: Reached, chosen: Sequence[str], report: Text | _Json) -> None:
    from cplus.clock import utc_now
    from cplus.consumers.reactions.registry import REACTIONS
    from cplus.projections.groups import ALL
    from cplus.projections.lag.lag import lags, readers_of
    from cplus.projections.lag.sums import Sums

    async with at:
        shops = await at.shops_of_log(chosen) if chosen else None
        readers, sums = await readers_of(at.mongo.database, ALL, REACTIONS), Sums()
        empty = True
        async for part in lags(at.mongo, at.store, readers, utc_now, shops):
            sums.add(part)
            report.add(part)
            empty = False
        if empty:
            at.shops((), (), needed=True)
        report.end(asdict(sums.totals()))


def _told(one: Lag) -> dict[str, Any]:
    said = asdict(one)
    for moments in filter(None, (said["parked"], said["retry"])):
        moments |= {k: v.isoformat() for k, v in moments.items() if k in ("since", "next_at")}
    return said


def _line(one: Lag) -> str:
    events, name = counted(one.behind, "event"), one.collection
    if not one.filled:  # the sums leave it out
        name += " (not in use)"
    line = f"{one.shop}: {name} is {events} and {lasting(one.seconds)} behind"
    if (retry := one.retry) is not None:
        return (
            f"{line}, failed {counted(retry.tries, 'time')} at position {retry.position}, to be "
            f"tried again at {retry.next_at:%Y-%m-%d %H:%M} UTC: {retry.reason} {retry.type}"
        )
    if one.parked is None:
        return line
    parked = one.parked
    return (
        f"{line}, parked at position {parked.position} since "
        f"{parked.since:%Y-%m-%d %H:%M} UTC: {parked.reason} {parked.type}"
    ).rstrip()


@projections.command("unpark", short_help="Resume a parked read model or reaction.")
@click.argument("name")
@click.option("--shop", "shops", multiple=True, help="Only this shop; repeatable.")
@data_option
@json_option
def unpark_command(*, name: str, shops: Sequence[str], data: Path | None, as_json: bool) -> None:
    """Resume the read model or reaction NAME in the shops where it is parked or, for a reaction,
    waits to retry, using the current code.

    No event is skipped. Needs CPLUS_MONGO_URI, and for a reaction the variables that it cannot do
    without, such as that of its queue; or --data.
    """
    from cplus.loop import run

    with failures():
        found = run(_unpark(Reached(data), name, shops))
    if as_json:
        click.echo(json.dumps({"projection": name, "shops": [asdict(one) for one in found]}))
    else:
        for one in found:
            place = f"position {one.position}"
            still = f"still stands at {place}: {one.reason}"
            does = still if one.reason else f"resumed, now at {place}"
            click.echo(f"{one.shop}: {one.collection} {does}")
        if not found:
            click.echo("Nothing was parked or waiting to retry.")
    sys.exit(1 if any(one.reason for one in found) else 0)


async def _unpark(at: Reached, name: str, chosen: Sequence[str]) -> list[Unparked]:
    from cplus.commands.unparking import unpark
    from cplus.consumers.reactions.registry import REACTIONS
    from cplus.subscriptions.checkpoints import read_checkpoints

    async with at:
        reaction = next((one for one in REACTIONS if one.name == name), None)
        going_on = _reaction(at, reaction) if reaction else await _read_models(at, name)
        wanted = at.shops(chosen, await at.store.heads(), needed=True)
        read = partial(read_checkpoints, at.mongo.database)
        return await unpark(read, going_on, wanted, seconds=_SECONDS)


async def _read_models(at: Reached, name: str) -> _GoingOn:
    """Each generation of the read model, with the function that resumes it in a shop."""
    from cplus.consumers.reactions.registry import REACTIONS
    from cplus.projections.groups import ALL
    from cplus.projections.running.runner import Runner

    known = sorted({one.name for one in ALL} | {one.name for one in REACTIONS})
    if name not in known:
        raise UnknownReader(name=name, known=", ".join(known))
    runner = Runner(at.mongo, at.store, at.reader, [one for one in ALL if one.name == name])
    targets = [one.projection for one in await runner.driven()]
    return {one.collection: (one, partial(runner.catch_up, one)) for one in targets}


def _reaction(at: Reached, reaction: Reaction) -> _GoingOn:
    """The same for a reaction. Raises SettingMissing."""
    from cplus.bootstrap import Parts
    from cplus.consumers.reactions.following import follow

    for name in reaction.needs:
        at.settings.needed(name)
    parts = Parts(at.settings, mongo=at.mongo, aws=at.aws, log=at.log)

    async def go_on(shop: str, *, deadline: Deadline) -> Progress:
        return await follow(reaction, shop, parts.reactor, deadline=deadline, now=True)

    return {reaction.collection: (reaction, go_on)}
