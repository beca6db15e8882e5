"""`cplus replay`: runs any projection over the whole log, into a file or a collection."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from cplus.cli.connecting import INTERRUPTED, Reached, data_option, failures, json_option
from cplus.cli.showing import bar
from cplus.counts import counted
from cplus.errors import CplusError

if TYPE_CHECKING:
    from cplus.projections.base import Projection, Row
    from cplus.projections.checks.replay_collection import Put
    from cplus.subscriptions.decoding import Stop


class NoProjection(CplusError):
    """{place!r} is not a projection ({reason}); write it as `package.module:NAME`."""


class _NotWhole(Exception):
    """Not every shop was folded to its end, so nothing is kept."""


class NoPlace(CplusError):
    """Cannot create a file next to {out} ({reason})."""


@click.command()
@click.option(
    "--projection",
    "place",
    required=True,
    metavar="MODULE:NAME",
    help="The projection: an importable module, and the name in it.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the rows, one JSON object per line, readable only by you.",
)
@click.option("--collection", help="Collection for the rows, instead of a file.")
@click.option("--replace", is_flag=True, help="Replace the collection of an earlier replay.")
@click.option("--shop", "shops", multiple=True, help="Only this shop; repeatable.")
@data_option
@json_option
def replay(
    *, place: str, out: Path | None, collection: str | None, replace: bool,
    shops: Sequence[str], data: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Run any projection over the whole log and write its rows to a file or a collection.

    Reads only the log; touches no live read model or checkpoint, sends nothing. The result is
    complete or not there at all: if a shop cannot be folded to its end, nothing is written.
    Needs CPLUS_MONGO_URI, or --data.
    """
    from cplus.loop import run

    if (out is None) == (collection is None):
        raise click.UsageError("give either --out FILE or --collection NAME")
    if str(out) == "-":
        raise click.UsageError("--out needs a file name, not -")
    if replace and collection is None:
        raise click.UsageError("--replace only applies to --collection")
    with failures():
        projection = find(place)
        at = Reached(data)
        if collection is not None:
            from cplus.projections.checks.replay_collection import filled

            sink = filled(at.mongo.database, projection, collection, replace=replace)
        else:
            assert out is not None  # noqa: S101  one of the two was given
            sink = _filed(out)
        try:
            said = run(_replay(at, projection, sink, shops))
        except asyncio.CancelledError:
            click.echo("stopped: nothing was written", err=True)
            sys.exit(INTERRUPTED)
    for stop in said["stopped"]:
        where = f"{stop['shop']}: stopped at position {stop['position']}"
        click.echo(f"{where}: {_reason(stop)}", err=True)
    said["into"] = None if said["stopped"] else collection or str(out)
    click.echo(json.dumps(said) if as_json else _text(said))
    sys.exit(1 if said["stopped"] else 0)


def _text(said: Mapping[str, Any]) -> str:
    rows, events = counted(said["rows"], "row"), counted(said["events"], "event")
    shops = counted(said["shops"], "shop")
    if said["stopped"]:
        count = f"{len(said['stopped']):,} of {shops}"
        return f"nothing written, because {count} could not be folded to the end of the log"
    return f"{said['into']}: {rows} of {events} in {shops}"


def find(place: str) -> Projection:
    """The projection at `module:NAME`; raises NoProjection."""
    from cplus.projections.base import Projection

    module, colon, name = place.partition(":")
    if not (module and colon and name):
        raise NoProjection(place=place, reason="it needs a module, a colon and a name")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise NoProjection(place=place, reason=f"there is no module {error.name}") from None
    except Exception as error:  # noqa: BLE001  a module may raise anything when it is imported
        raise NoProjection(place=place, reason=f"{type(error).__name__}: {error}") from None
    finally:
        sys.path.remove(str(Path.cwd()))
    if not isinstance(found, Projection):
        kind = type(found).__name__
        raise NoProjection(place=place, reason=f"{name} is of type {kind}, not Projection")
    return found


async def _replay(
    at: Reached,
    projection: Projection,
    sink: AbstractAsyncContextManager[Put],
    chosen: Sequence[str],
) -> dict[str, Any]:
    from cplus.projections.checks.fold_in_memory import fold_shop

    async with at:
        shops = at.shops(chosen, await at.store.heads(), needed=True)
        rows = events = 0
        stopped: list[dict[str, Any]] = []
        with bar("shops") as shown:
            task = shown.add_task(projection.name, total=len(shops))
            # A complete result of an earlier replay is worth more than an incomplete new one.
            with suppress(_NotWhole):
                async with sink as put:
                    for shop in shops:
                        folded = await fold_shop(at.store, at.reader, projection, shop)
                        if folded.stop is None and not stopped:
                            await put(shop, folded.rows)
                        rows, events = rows + len(folded.rows), events + folded.seq
                        if folded.stop is not None:
                            stopped.append(_stopped(shop, folded.stop))
                        shown.advance(task)
                    if stopped:
                        raise _NotWhole
        return {
            "projection": projection.name,
            "shops": len(shops),
            "events": events,
            "rows": rows,
            "stopped": stopped,
        }


def _stopped(shop: str, stop: Stop) -> dict[str, Any]:
    """Where a shop could not be folded any further, and why."""
    said = {"position": stop.position, "type": stop.type, "reason": stop.reason}
    return {"shop": shop, **said, "where": stop.where or None}


def _reason(stop: Mapping[str, Any]) -> str:
    at = f" at {stop['where']}" if stop["where"] else ""
    unknown = ""
    if stop["reason"] == "unknown_type":
        unknown = "; add that event to handles, or its family to passes"
    return f"{stop['reason']}{at} ({stop['type']}){unknown}"


@asynccontextmanager
async def _filed(out: Path) -> AsyncIterator[Put]:
    """Writes the rows of the block to the file; after an error no file is left."""
    from cplus.projections.checks.replay_collection import check_row

    with _whole(out) as file:

        async def put(shop: str, rows: Mapping[str, Row]) -> None:
            for key, row in rows.items():
                check_row(shop, key, row)
            for key in sorted(rows):
                file.write(_line(shop, key, rows[key]))

        yield put


@contextmanager
def _whole(out: Path) -> Iterator[TextIO]:
    """A temporary file that gets its name once it is complete, so two replays do not mix.
    Only its owner can read it, because rows hold what people wrote."""
    try:
        made, name = tempfile.mkstemp(prefix=f"{out.name}.", suffix=".part", dir=out.parent)
    except OSError as error:
        raise NoPlace(out=out, reason=error.strerror) from None
    part = Path(name)
    try:
        with os.fdopen(made, "w", encoding="utf-8") as file:
            yield file
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    part.replace(out)


def _line(shop: str, key: str, row: Row) -> str:
    """A row as JSON, as it would be read back from MongoDB. Raises UnfitRow."""
    from cplus.mongo import as_stored
    from cplus.projections.checks.replay_collection import UnfitRow

    if "key" in row:
        fault = "it has a field named key, which in a file is the key of the row"
        raise UnfitRow(shop=shop, key=key, fault=fault)
    told = {"shop": shop, "key": key, **as_stored(row)}
    try:
        return json.dumps(told, default=_plain, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError:
        fault = "it holds NaN or an infinite number, which JSON cannot hold"
        raise UnfitRow(shop=shop, key=key, fault=fault) from None


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
