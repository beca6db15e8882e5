"""`cplus metrics`: daily figures per shop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cplus.cli.connecting import Reached, data_option, failures, json_option

if TYPE_CHECKING:
    from cplus.projections.queries import Day, Figures, Queries

_DAYS = 30
_SIDE_BY_SIDE = 4
_COLUMNS = ("started", "in", "out", "median", "90%", "delivered", "bounced", "closed")
_day = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@click.option("--shop", "shops", multiple=True, help="Only this shop; repeatable.")
@click.option(
    "--from",
    "first",
    type=_day,
    help=f"First day; by default {_DAYS} days before and including the last.",
)
@click.option("--to", "last", type=_day, help="Last day; today by default.")
@data_option
@json_option
def metrics(
    *,
    shops: Sequence[str],
    first: datetime | None,
    last: datetime | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Show daily figures per shop, from the read model `metrics`.

    Days are in UTC. Prints one line per shop; with --shop also one per day. "median" and "90%" are
    the time to the first reply. Needs CPLUS_MONGO_URI, or --data.
    """
    from cplus.clock import utc_now
    from cplus.loop import run

    to = last.date() if last else utc_now().date()
    since = first.date() if first else to - timedelta(days=min(_DAYS - 1, to.toordinal() - 1))
    if since > to:
        raise click.BadParameter("the first day is after the last", param_hint="--from")
    with failures():
        told = run(_metrics(Reached(data), shops, since, to))
    if as_json:
        found = [one.as_json() for one in told]
        click.echo(json.dumps({"from": str(since), "to": str(to), "shops": found}))
        return
    click.echo(_line(f"{since} to {to}", _COLUMNS))
    for one in told:
        if shops:
            for day in reversed(one.days):
                click.echo(_line(f"  {day.day}", _cells(day.figures)))
        click.echo(_line(one.shop, _cells(one.figures)))


@dataclass(frozen=True)
class Told:
    """The figures of one shop."""

    shop: str
    days: Sequence[Day]
    """Days with any figures, newest first."""
    figures: Figures
    """The sum over all days."""

    def as_json(self) -> dict[str, Any]:
        """For --json; days in ascending order."""
        days = [{"day": str(one.day), **_told(one.figures)} for one in reversed(self.days)]
        return {"shop": self.shop, **_told(self.figures), "days": days}


async def _metrics(at: Reached, chosen: Sequence[str], first: date, last: date) -> list[Told]:
    from cplus.projections.queries import Queries, summed

    async with at:
        hosts = at.shops(chosen, await at.store.heads(), needed=True)
        queries, places = Queries(at.mongo), asyncio.Semaphore(_SIDE_BY_SIDE)

        async def one(shop: str) -> Told:
            async with places:
                days = await _days(queries, shop, first, last)
                return Told(shop, days, summed(day.figures for day in days))

        return list(await asyncio.gather(*map(one, hosts)))


async def _days(queries: Queries, shop: str, first: date, last: date) -> list[Day]:
    page = await queries.metrics(shop, first, last)
    days = list(page.items)
    while page.next:
        page = await queries.metrics(shop, first, last, page.next)
        days += page.items
    return days


def _told(figures: Figures) -> dict[str, Any]:
    return {
        **asdict(figures),
        "mean_seconds": figures.mean_seconds,
        "p50_seconds": figures.within(0.5),
        "p90_seconds": figures.within(0.9),
    }


def _cells(figures: Figures) -> list[str]:
    counts = [figures.conversations, figures.messages_in, figures.messages_out]
    mails = [figures.delivered, figures.bounced, figures.closed]
    waits = [_seconds(figures.within(0.5)), _seconds(figures.within(0.9))]
    return [*map("{:,}".format, counts), *waits, *map("{:,}".format, mails)]


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f} s"


def _line(name: str, cells: Sequence[str]) -> str:
    widths = (max(9, len(column)) for column in _COLUMNS)
    return f"{name:<40}" + "".join(f" {c:>{w}}" for c, w in zip(cells, widths, strict=True))
