"""`cplus replay`: folds any projection over the whole history, into a file."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from cplus.cli.connecting import Reached, data_option, failures, json_option
from cplus.errors import CplusError

if TYPE_CHECKING:
    from cplus.projections.base import Projection


class NoProjection(CplusError):
    """{place!r} names no projection ({reason}); write it as `package.module:NAME`."""


@click.command()
@click.option(
    "--projection",
    "place",
    required=True,
    metavar="MODULE:NAME",
    help="The projection: a module that can be imported here, and the name in it.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the rows, one JSON object a line; made readable for you alone.",
)
@click.option("--shop", "shops", multiple=True, help="Only this shop; may be given again.")
@data_option
@json_option
def replay(
    *, place: str, out: Path, shops: Sequence[str], data: Path | None, as_json: bool
) -> None:
    """Fold any projection over the whole history, and write the rows to a file.

    Reads the log and nothing else: no read model, no checkpoint, no mail, no call. Needs
    CPLUS_MONGO_URI, or --data.
    """
    from cplus.loop import run

    with failures():
        projection = find(place)
        said = run(_replay(Reached(data), projection, out, shops))
    for stop in said["stopped"]:
        where = f"{stop['shop']}: stopped in front of position {stop['position']}"
        click.echo(f"{where}: {stop['reason']} ({stop['type']})", err=True)
    rows = f"{said['rows']:,} rows of {said['events']:,} events in {said['shops']} shops"
    click.echo(json.dumps(said) if as_json else f"{out}: {rows}")
    sys.exit(1 if said["stopped"] else 0)


def find(place: str) -> Projection:
    """The projection at `module:NAME`; raises NoProjection."""
    from cplus.projections.base import Projection

    module, _, name = place.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise NoProjection(place=place, reason=error) from None
    finally:
        sys.path.remove(str(Path.cwd()))
    if not isinstance(found, Projection):
        raise NoProjection(place=place, reason=f"it is a {type(found).__name__}")
    return found


async def _replay(
    at: Reached, projection: Projection, out: Path, chosen: Sequence[str]
) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TimeRemainingColumn

    from cplus.projections.verify import fold_shop
    from cplus.shopify.hosts import shop_host

    try:
        shops = [shop_host(shop) for shop in chosen] or sorted(await at.store.heads())
        rows = events = 0
        stopped = []
        part = out.with_name(f"{out.name}.part")
        columns = (SpinnerColumn(), "{task.description}", MofNCompleteColumn(), "shops")
        with (
            _private(part) as file,
            Progress(
                *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True
            ) as bar,
        ):
            shown = bar.add_task(projection.name, total=len(shops))
            for shop in shops:
                folded = await fold_shop(at.store, projection, shop)
                for key, row in sorted(folded.rows.items()):
                    line = {"shop": shop, "key": key, **row}
                    file.write(json.dumps(line, default=_plain, ensure_ascii=False) + "\n")
                rows, events = rows + len(folded.rows), events + folded.seq
                if folded.stop is not None:
                    stop = folded.stop
                    said = {"position": stop.position, "type": stop.type, "reason": stop.reason}
                    stopped.append({"shop": shop, **said})
                bar.advance(shown)
        part.replace(out)
        return {
            "projection": projection.name,
            "shops": len(shops),
            "events": events,
            "rows": rows,
            "stopped": stopped,
        }
    finally:
        await at.close()


def _private(path: Path) -> TextIO:
    """The file, new and for its owner alone: rows hold what people wrote."""
    path.unlink(missing_ok=True)
    return os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    )


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
