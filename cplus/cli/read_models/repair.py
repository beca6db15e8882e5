"""`cplus rebuild --shop`: repairs the rows of single shops in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cplus.cli.connecting import Reached, parked_shop
from cplus.counts import counted

if TYPE_CHECKING:
    from cplus.projections.base import Projection
    from cplus.projections.running.runner import Runner


async def repair(at: Reached, name: str, chosen: Sequence[str]) -> dict[str, Any]:
    """Repairs the live rows of each shop and reports what it did per shop."""
    from cplus.projections.checks.verify import shops_of
    from cplus.projections.generations.lineage import generation_of, lineage_of
    from cplus.projections.groups import ALL, named
    from cplus.projections.running.runner import Runner

    lineage = await lineage_of(at.mongo.database, named(name))
    target = generation_of(ALL, lineage, lineage.live)
    hosts = at.shops(chosen, await shops_of(at.mongo, at.store, target))
    runner = Runner(at.mongo, at.store, at.reader, [one for one in ALL if one.name == name])
    shops, rows = [], 0
    for shop in hosts:
        found = await _repair(runner, target, shop)
        shops.append(found)
        rows += found["repaired"]
    ok = not any(one["parked"] or one["unfolded"] for one in shops)
    return {"ok": ok, "projection": name, "repaired": rows, "shops": shops}


async def _repair(runner: Runner, target: Projection, shop: str) -> dict[str, Any]:
    from cplus.projections.checks.fold_in_memory import CannotFold
    from cplus.projections.checks.repair import repair_shop
    from cplus.subscriptions.checkpoints import read_checkpoint

    before = await read_checkpoint(runner.mongo.database, target, shop)
    # First catch up, so that missing rows are there too.
    await runner.catch_up(target, shop)
    repaired, unfolded = 0, None
    try:
        repaired = len(await repair_shop(runner.mongo, runner.store, runner.reader, target, shop))
        await runner.catch_up(target, shop)  # wrong rows may have been why it was parked
    except CannotFold as error:
        unfolded = {name: error.values[name] for name in ("position", "type", "reason")}
    after = await read_checkpoint(runner.mongo.database, target, shop)
    return {
        "shop": shop,
        "repaired": repaired,
        "folded": after.seq - before.seq,
        "behind": max(0, (await runner.store.head(shop)).seq - after.seq),
        "parked": after.parked and parked_shop(shop, after.parked),
        "unfolded": unfolded,
    }


def text(said: dict[str, Any]) -> str:
    """What was done, one line per shop."""
    return "\n".join(map(_line, said["shops"]))


def _line(one: dict[str, Any]) -> str:
    if stop := one["unfolded"]:
        return (
            f"{one['shop']}: nothing repaired, because position {stop['position']} cannot be "
            f"folded ({stop['reason']} at an event of type {stop['type']})"
        )
    line = f"{one['shop']}: {counted(one['repaired'], 'row')} repaired"
    if one["folded"]:
        line += f", {counted(one['folded'], 'event')} caught up"
    if stop := one["parked"]:
        line += f"; parked at position {stop['position']} ({stop['reason']})"
    if one["behind"]:
        line += f"; {counted(one['behind'], 'event')} behind the log"
    return line
