"""`cplus rebuild --shop`: the rows of single shops put right in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cplus.cli.connecting import Reached, standing_still
from cplus.counts import counted

if TYPE_CHECKING:
    from cplus.projections.base import Projection
    from cplus.projections.running.runner import Runner


async def repair(at: Reached, name: str, chosen: Sequence[str]) -> dict[str, Any]:
    """Puts right the rows that are read of each shop, and says of each what it did."""
    from cplus.projections.checks.verify import shops_of
    from cplus.projections.generations.lineage import generation_of, lineage_of
    from cplus.projections.groups import ALL, named
    from cplus.projections.running.runner import Runner

    lineage = await lineage_of(at.mongo.database, named(name))
    target = generation_of(ALL, lineage, lineage.live)
    hosts = at.shops(chosen, await shops_of(at.mongo, at.store, target))
    runner = Runner(at.mongo, at.store, [one for one in ALL if one.name == name])
    shops, rows = [], 0
    for shop in hosts:
        found = await _repair(runner, target, shop)
        shops.append(found)
        rows += found["put_right"]
    ok = not any(one["parked"] or one["unfolded"] for one in shops)
    return {"ok": ok, "projection": name, "put_right": rows, "shops": shops}


async def _repair(runner: Runner, target: Projection, shop: str) -> dict[str, Any]:
    from cplus.projections.checks.fold_in_memory import CannotFold
    from cplus.projections.checks.repair import repair_shop
    from cplus.subscriptions.checkpoints import read_checkpoint

    before = await read_checkpoint(runner.mongo.database, target, shop)
    # Rows that are not there yet are no rows that are right.
    await runner.catch_up(target, shop)
    put_right, unfolded = 0, None
    try:
        put_right = len(await repair_shop(runner.mongo, runner.store, target, shop))
        await runner.catch_up(target, shop)  # wrong rows may have been what it stood still at
    except CannotFold as error:
        unfolded = {name: error.values[name] for name in ("position", "type", "reason")}
    after = await read_checkpoint(runner.mongo.database, target, shop)
    return {
        "shop": shop,
        "put_right": put_right,
        "folded": after.seq - before.seq,
        "behind": max(0, (await runner.store.head(shop)).seq - after.seq),
        "parked": after.parked and standing_still(shop, after.parked),
        "unfolded": unfolded,
    }


def text(said: dict[str, Any]) -> str:
    """What was done, for people."""
    return "\n".join(map(_line, said["shops"]))


def _line(one: dict[str, Any]) -> str:
    if stop := one["unfolded"]:
        return (
            f"{one['shop']}: nothing put right, as position {stop['position']} cannot be folded "
            f"({stop['reason']} at an event of type {stop['type']})"
        )
    line = f"{one['shop']}: {counted(one['put_right'], 'row')} put right"
    if one["folded"]:
        line += f", {counted(one['folded'], 'event')} folded that the rows had not seen"
    if stop := one["parked"]:
        line += f"; stands still in front of position {stop['position']} ({stop['reason']})"
    if one["behind"]:
        line += f"; {counted(one['behind'], 'event')} behind the log"
    return line
