"""`cplus verify`: checks a read model against the log."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cplus.cli.connecting import Reached, data_option, failures, json_option, parked_shop
from cplus.cli.showing import bar
from cplus.counts import counted

if TYPE_CHECKING:
    from cplus.projections.checks.fold_in_memory import CannotFold
    from cplus.projections.checks.verify import Difference, Verified

_SHOWN = 50


@click.command()
@click.argument("name")
@click.option("--shop", "shops", multiple=True, help="Only this shop; repeatable.")
@data_option
@json_option
def verify(*, name: str, shops: Sequence[str], data: Path | None, as_json: bool) -> None:
    """Fold the log in memory and compare it with the stored rows of the read model NAME.

    Names the rows and fields that differ, never their values; also the shops that are parked, and
    those with no rows yet. Needs CPLUS_MONGO_URI, or --data.
    """
    from cplus.loop import run

    with failures():
        report = run(_verify(Reached(data), name, shops))
    click.echo(json.dumps(report.as_json()) if as_json else report.text())
    sys.exit(0 if report.ok else 1)


@dataclass
class Report:
    """What was compared, and what differs."""

    projection: str
    collection: str
    shops: int
    events: int
    rows: int
    differences: list[Difference]
    parked: list[dict[str, Any]]
    """Parked shops, with the reason."""
    behind: int = 0
    """Events that the rows have not processed yet, so they are not checked."""
    uncompared: list[str] = field(default_factory=list)
    """Shops none of whose events were processed yet: there was nothing to compare."""
    unfolded: list[dict[str, Any]] = field(default_factory=list)
    """Shops whose log this code cannot fold as far as the rows have got, with the reason."""

    def add(self, found: Verified, end: int) -> None:
        """Adds the result of one shop, whose log holds `end` events."""
        self.events += found.events
        self.rows += found.rows
        self.differences += found.differences
        late = max(0, end - found.events)
        self.behind += late
        if late and not found.events:
            self.uncompared.append(found.shop)
        if found.parked:
            self.parked.append(parked_shop(found.shop, found.parked))

    def cannot_fold(self, shop: str, error: CannotFold) -> None:
        """Records where and why the log of a shop cannot be folded."""
        why = {name: error.values[name] for name in ("position", "type", "reason")}
        self.unfolded.append({"shop": shop, **why})

    @property
    def ok(self) -> bool:
        """Whether every shop was compared, matches the log, and is not parked. Being behind is no
        error: new events come in all the time."""
        return not (self.differences or self.parked or self.uncompared or self.unfolded)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {"ok": self.ok, **asdict(self)}

    def text(self) -> str:
        """For the terminal."""
        lines = [
            f"{one.shop}{one.key and '/' + one.key}: {one.kind.replace('_', ' ')}"
            f"{' in ' + ', '.join(one.fields) if one.fields else ''}"
            for one in self.differences[:_SHOWN]
        ]
        if len(self.differences) > _SHOWN:
            lines.append(f"… and {len(self.differences) - _SHOWN:,} more")
        lines += [
            f"{one['shop']}: parked at position {one['position']} ({one['reason']})"
            for one in self.parked
        ]
        lines += [
            f"{one['shop']}: not compared, because position {one['position']} cannot be folded "
            f"({one['reason']} at an event of type {one['type']})"
            for one in self.unfolded
        ]
        lines += [
            f"{shop}: not compared, because none of its events were processed yet"
            for shop in self.uncompared[:_SHOWN]
        ]
        if len(self.uncompared) > _SHOWN:
            lines.append(f"… and {len(self.uncompared) - _SHOWN:,} more")
        things = {
            "shop": self.shops,
            "event": self.events,
            "row": self.rows,
            "difference": len(self.differences),
        }
        counts = (counted(number, thing) for thing, number in things.items())
        late = f"; {counted(self.behind, 'event')} not processed yet" if self.behind else ""
        lines.append(f"{self.collection}: {', '.join(counts)}{late}")
        return "\n".join(lines)


async def _verify(at: Reached, name: str, chosen: Sequence[str]) -> Report:
    from cplus.projections.checks.fold_in_memory import CannotFold
    from cplus.projections.checks.verify import shops_of, verify_shop
    from cplus.projections.generations.lineage import generation_of, lineage_of
    from cplus.projections.groups import ALL, named

    async with at:
        lineage = await lineage_of(at.mongo.database, named(name))
        target = generation_of(ALL, lineage, lineage.live)
        held = await shops_of(at.mongo, at.store, target)
        shops = at.shops(chosen, held, needed=True)
        report = Report(name, target.collection, len(shops), 0, 0, [], [])
        with bar("shops") as shown:
            task = shown.add_task(target.collection, total=len(shops))
            for shop in shops:
                try:
                    found = await verify_shop(at.mongo, at.store, at.reader, target, shop)
                except CannotFold as error:  # one failing shop must not hide the others
                    report.cannot_fold(shop, error)
                else:
                    report.add(found, (await at.store.head(shop)).seq)
                shown.advance(task)
        return report
