"""`cplus verify`: whether a read model is what the log says."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cplus.cli.connecting import Reached, data_option, failures, json_option, standing_still
from cplus.cli.showing import bar
from cplus.counts import counted

if TYPE_CHECKING:
    from cplus.projections.verify import Difference

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


@dataclass(frozen=True)
class Report:
    """What was compared, and what differs."""

    projection: str
    collection: str
    shops: int
    events: int
    rows: int
    differences: Sequence[Difference]
    parked: Sequence[dict[str, Any]]
    """Shops that stand still, with the reason."""
    behind: int = 0
    """Events of the log that the rows have not seen, so nothing is known of them."""
    uncompared: Sequence[str] = ()
    """Shops of whose log nothing was seen: there was nothing to compare."""

    @property
    def ok(self) -> bool:
        """Whether in every shop rows were compared and are what the log says, and none stands
        still. To be behind is no fault: more comes in all the time."""
        return not (self.differences or self.parked or self.uncompared)

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
    from cplus.projections.generations import generation_of, lineage_of
    from cplus.projections.groups import ALL, named
    from cplus.projections.verify import shops_of, verify_shop

    async with at:
        lineage = await lineage_of(at.mongo.database, named(name))
        target = generation_of(ALL, lineage, lineage.live)
        held = await shops_of(at.mongo, at.store, target)
        shops = at.shops(chosen, held, needed=True)
        events = rows = behind = 0
        uncompared: list[str] = []
        differences: list[Difference] = []
        parked: list[dict[str, Any]] = []
        with bar("shops") as shown:
            task = shown.add_task(target.collection, total=len(shops))
            for shop in shops:
                found = await verify_shop(at.mongo, at.store, target, shop)
                events, rows = events + found.events, rows + found.rows
                differences += found.differences
                late = max(0, (await at.store.head(shop)).seq - found.events)
                behind += late
                if late and not found.events:
                    uncompared.append(shop)
                if found.parked:
                    parked.append(standing_still(shop, found.parked))
                shown.advance(task)
        return Report(
            *(name, target.collection, len(shops), events, rows),
            *(differences, parked, behind, uncompared),
        )
