"""`cplus verify`: whether a read model is what the log says."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cplus.cli.connecting import Reached, data_option, failures, json_option, standing_still
from cplus.cli.showing import bar
from cplus.counts import counted

if TYPE_CHECKING:
    from cplus.projections.checks.fold_in_memory import CannotFold
    from cplus.projections.checks.verify import Difference, Verified

_SHOWN = 50


@click.command()
@click.argument("name")
@click.option("--shop", "shops", multiple=True, help="Only this shop; may be given again.")
@data_option
@json_option
def verify(*, name: str, shops: Sequence[str], data: Path | None, as_json: bool) -> None:
    """Fold the log in memory and compare it with the stored rows of the read model NAME.

    Names the rows and fields that differ, and no value; the shops that stand still, and those of
    whose log nothing was folded yet. Needs CPLUS_MONGO_URI, or --data.
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
    """Shops that stand still, with the reason."""
    behind: int = 0
    """Events of the log that the rows have not seen, so nothing is known of them."""
    uncompared: list[str] = field(default_factory=list)
    """Shops of whose log nothing was seen: there was nothing to compare."""
    unfolded: list[dict[str, Any]] = field(default_factory=list)
    """Shops whose log this code cannot fold up to where the rows are, with the reason."""

    def add(self, found: Verified, end: int) -> None:
        """Counts what was found in a shop, whose log holds so many events."""
        self.events += found.events
        self.rows += found.rows
        self.differences += found.differences
        late = max(0, end - found.events)
        self.behind += late
        if late and not found.events:
            self.uncompared.append(found.shop)
        if found.parked:
            self.parked.append(standing_still(found.shop, found.parked))

    def cannot_fold(self, shop: str, error: CannotFold) -> None:
        """Keeps where and why the log of a shop cannot be folded."""
        why = {name: error.values[name] for name in ("position", "type", "reason")}
        self.unfolded.append({"shop": shop, **why})

    @property
    def ok(self) -> bool:
        """Whether in every shop rows were compared and are what the log says, and none stands
        still. To be behind is no fault: more comes in all the time."""
        return not (self.differences or self.parked or self.uncompared or self.unfolded)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"ok": self.ok, **asdict(self)}

    def text(self) -> str:
        """For people."""
        lines = [
            f"{one.shop}/{one.key}: {one.kind.replace('_', ' ')}"
            f"{' in ' + ', '.join(one.fields) if one.fields else ''}"
            for one in self.differences[:_SHOWN]
        ]
        if len(self.differences) > _SHOWN:
            lines.append(f"… and {len(self.differences) - _SHOWN:,} more")
        lines += [
            f"{one['shop']}: stands still in front of position {one['position']} ({one['reason']})"
            for one in self.parked
        ]
        lines += [
            f"{one['shop']}: not compared, as position {one['position']} cannot be folded "
            f"({one['reason']} at an event of type {one['type']})"
            for one in self.unfolded
        ]
        lines += [
            f"{shop}: not compared, as nothing of its log was folded yet"
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
        late = f"; {counted(self.behind, 'event')} of the log not seen yet" if self.behind else ""
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
                    found = await verify_shop(at.mongo, at.store, target, shop)
                except CannotFold as error:  # one shop must not hide the others
                    report.cannot_fold(shop, error)
                else:
                    report.add(found, (await at.store.head(shop)).seq)
                shown.advance(task)
        return report
