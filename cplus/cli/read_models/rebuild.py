"""`cplus rebuild`: rebuilds a read model from the log while the current one keeps serving."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cplus.cli.connecting import (
    INTERRUPTED,
    SIGNALS,
    Reached,
    data_option,
    failures,
    json_option,
    parked_shop,
)
from cplus.cli.read_models import rebuilt, repair
from cplus.cli.showing import bar
from cplus.errors import CplusError

if TYPE_CHECKING:
    from cplus.projections.base import Projection
    from cplus.projections.generations.lineage import Lineage
    from cplus.projections.generations.rebuild import Compared, Filled
    from cplus.projections.generations.switch import CannotSwitch
    from cplus.projections.running.runner import Runner

_LOOK = 0.5  # seconds between two progress updates


class RebuildParked(CplusError):
    """{name} was not switched: {collection} is parked before the point that the current rows have
    reached: {shops}. Fix the projection, then run `cplus rebuild {name}` to continue."""


@click.command()
@click.argument("name")
@click.option(
    "--shop", "shops", multiple=True,
    help="Repair the rows of this shop only, in place; repeatable.",
)  # fmt: skip
@click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True,
    help="Processes that fold in parallel.",
)  # fmt: skip
@click.option(
    "--on-lambda",
    is_flag=True,
    help="Fold on AWS, with the function `rebuild`, many shops in parallel.",
)
@click.option("--back", is_flag=True, help="Switch back to the previous generation.")
@click.option("--drop", is_flag=True, help="Drop all generations except the live one.")
@data_option
@json_option
def rebuild(
    *, name: str, shops: Sequence[str], workers: int, on_lambda: bool, back: bool, drop: bool,
    data: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Rebuild the read model NAME from the log, then switch to the new rows.

    Current rows keep serving meanwhile. Ctrl-C stops it; run the same command to continue where it
    stopped. Needs CPLUS_MONGO_URI, with --on-lambda also CPLUS_REBUILD_QUEUE; or --data.
    """
    from cplus.loop import run

    if sum([back, drop, bool(shops), on_lambda]) > 1:
        raise click.UsageError("--back, --drop, --shop and --on-lambda exclude each other")
    if on_lambda and workers > 1:
        raise click.UsageError("--workers only applies to this machine, not to --on-lambda")
    with failures():
        at = Reached(data)
        if shops:
            said = run(_reached(at, repair.repair, name, shops))
        elif back:
            said = run(_reached(at, _back, name))
        elif drop:
            said = run(_reached(at, _drop, name))
        else:
            said = run(_reached(at, _rebuild, name, _Way(workers, on_lambda)))
        if not said.get("switched", True):
            if as_json:
                click.echo(json.dumps(said))
            raise RebuildParked(
                name=name, collection=said["collection"], shops=rebuilt.places(said)
            )
    click.echo(json.dumps(said) if as_json else rebuilt.text(said))
    sys.exit(INTERRUPTED if said.get("stopped") else int(not said.get("ok", True)))


async def _reached(
    at: Reached, work: Callable[..., Awaitable[dict[str, Any]]], *arguments: Any
) -> dict[str, Any]:
    from cplus.projections.generations.switch import CannotSwitch

    async with at:
        # Checked before anything is created: a database without a log is surely the wrong one.
        at.shops((), await at.store.heads(), needed=True)
        try:
            return await work(at, *arguments)
        except CannotSwitch as error:
            return await _not_switched(at, error)


async def _not_switched(at: Reached, error: CannotSwitch) -> dict[str, Any]:
    """Why nothing was switched: the parked shops and their reasons."""
    from cplus.projections.generations.lineage import lineage_of
    from cplus.projections.groups import named
    from cplus.subscriptions.checkpoints import checkpoints_of

    name, collection = error.values["name"], error.values["collection"]
    behind = set(error.values["shops"].split(", "))
    found = await checkpoints_of(at.mongo.database, collection)
    lineage = await lineage_of(at.mongo.database, named(name))
    parked = [
        parked_shop(shop, one.parked)
        for shop, one in sorted(found.items())
        if shop in behind and one.parked
    ]
    if not parked:  # they have resumed meanwhile
        raise error
    live = lineage.collection(lineage.live)
    said = {"projection": name, "collection": collection, "live": live, "parked": parked}
    return {"ok": False, "switched": False, **said}


async def _back(at: Reached, name: str) -> dict[str, Any]:
    from cplus.projections.generations.switch import switch_back
    from cplus.projections.groups import ALL, named

    lineage = await switch_back(at.mongo, at.store, at.reader, ALL, named(name).name)
    return {"projection": name, "live": lineage.collection(lineage.live)}


async def _drop(at: Reached, name: str) -> dict[str, Any]:
    from cplus.projections.generations.drop import drop
    from cplus.projections.groups import named

    return {"projection": name, "dropped": await drop(at.mongo.database, named(name).name)}


@dataclass(slots=True)
class _Way:
    """Where and how to fold."""

    workers: int
    on_lambda: bool
    dead: int | None = None
    """Approximate number of messages that became dead letters; None without --on-lambda."""


async def _rebuild(at: Reached, name: str, way: _Way) -> dict[str, Any]:
    from cplus.projections.generations.lineage import lineage_of
    from cplus.projections.generations.lineage_changes import begin
    from cplus.projections.generations.rebuild import filler, progress_of
    from cplus.projections.groups import named

    started = time.monotonic()
    projection = named(name)
    if way.on_lambda:
        at.settings.needed("rebuild_queue")
    target = await begin(at.mongo.database, projection)
    before = await progress_of(at.mongo, at.store, target)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stopped.set)
    after = await _fill(at, target, way, stopped, before)
    seconds = time.monotonic() - started
    events = after.events - before.events
    said: dict[str, Any] = {
        "projection": name,
        "collection": target.collection,
        "shops": after.of_shops,
        "events": events,
        "seconds": round(seconds, 3),
        "events_per_second": round(events / seconds) if seconds else 0,
        "workers": None if way.on_lambda else way.workers,
        "dead_letters": way.dead,
    }
    runner = filler(at.mongo, at.store, at.reader, target)
    compared = None if stopped.is_set() else await _compare(runner, target, stopped)
    if stopped.is_set():
        return {**said, "stopped": True, "left": after.of - after.events}
    lineage = await _switch(runner, target)
    old = await lineage_of(at.mongo.database, projection)
    return {
        **said,
        "stopped": False,
        "differences": compared and compared.differences,
        "compared": compared and compared.shops,
        "uncompared": compared and list(compared.uncompared),
        "parked": await _parked(at, target),
        "live": lineage.collection(lineage.live),
        "before": None if old.before is None else old.collection(old.before),
        "older": _older(old),
    }


def _older(lineage: Lineage) -> list[str]:
    """Previous generations, which are kept up to date until they are dropped."""
    numbers = [one.number for one in lineage.generations if one.filled]
    return [lineage.collection(number) for number in numbers if number != lineage.live]


async def _parked(at: Reached, target: Projection) -> list[dict[str, Any]]:
    """The shops in which the generation is parked, so its rows end before the log does."""
    from cplus.subscriptions.checkpoints import checkpoints_of

    found = await checkpoints_of(at.mongo.database, target.collection)
    return [parked_shop(shop, one.parked) for shop, one in sorted(found.items()) if one.parked]


async def _fill(
    at: Reached, target: Projection, way: _Way, stopped: asyncio.Event, far: Filled
) -> Filled:
    """Fills the generation and shows its progress; returns how far it got."""
    from cplus.projections.generations.rebuild import progress_of

    heads = await at.store.heads()
    # Longest logs first, so that no worker ends up alone with one.
    shops = sorted(heads, key=lambda shop: -heads[shop])
    with bar("events, {task.fields[shops]} shops, {task.fields[rate]}/s") as shown:
        task = shown.add_task(target.collection, total=None, shops="–", rate="–")
        started, first = time.monotonic(), far.events
        work = asyncio.ensure_future(_work(at, target, shops, way, stopped))
        pause = _LOOK
        try:
            while True:
                done, _ = await asyncio.wait([work], timeout=pause)
                looked = time.monotonic()
                far = await progress_of(at.mongo, at.store, target)
                # With very many shops, reading the progress is slow and loads the database too.
                pause = max(_LOOK, 5 * (time.monotonic() - looked))
                rate = f"{(far.events - first) / (time.monotonic() - started):,.0f}"
                shops_done = f"{far.shops} of {far.of_shops}"
                shown.update(task, completed=far.events, total=far.of, shops=shops_done, rate=rate)
                if done:
                    work.result()
                    return far
        finally:
            work.cancel()
            await asyncio.wait([work])


async def _compare(runner: Runner, target: Projection, stopped: asyncio.Event) -> Compared | None:
    """Compares the generation with the live one and shows the progress; None if it was `stopped`
    or cannot be compared."""
    from cplus.projections.generations.rebuild import compare_with_live
    from cplus.projections.groups import ALL

    with bar("shops compared") as shown:
        task = shown.add_task(target.collection, total=None)

        def told(done: int, of: int) -> None:
            shown.update(task, completed=done, total=of)

        # Can be cancelled in the middle of a shop: its rows may take long to read.
        work = asyncio.ensure_future(compare_with_live(runner, ALL, target, told=told))
        stop = asyncio.ensure_future(stopped.wait())
        try:
            await asyncio.wait([work, stop], return_when=asyncio.FIRST_COMPLETED)
            return work.result() if work.done() else None
        finally:
            work.cancel()
            stop.cancel()
            await asyncio.wait([work, stop])


async def _switch(runner: Runner, target: Projection) -> Lineage:
    """Makes the generation the live one. This is short and cannot be interrupted."""
    from cplus.projections.generations.switch import switch_over

    with bar() as shown:
        shown.add_task(f"switching to {target.collection}", total=None)
        return await switch_over(runner, target)


async def _work(
    at: Reached, target: Projection, shops: Sequence[str], way: _Way, stopped: asyncio.Event
) -> None:
    from cplus.projections.generations.rebuild import fill, filler
    from cplus.projections.generations.workers import fill_in_processes

    runner = filler(at.mongo, at.store, at.reader, target)
    if way.on_lambda:
        from cplus.aws import Queue
        from cplus.consumers.folding.fanning_out import fan_out

        queue = Queue(at.aws, at.settings.rebuild_queue)
        way.dead = await fan_out(at.mongo, at.store, target, shops, queue, stopped)
    elif way.workers > 1:
        await fill_in_processes(
            at.settings, runner, target, shops, way.workers, stopped, aws=at.aws_options
        )
    else:
        await fill(runner, target, shops, stopped=stopped.is_set)
