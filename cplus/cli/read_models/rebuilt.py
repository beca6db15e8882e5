"""The text that `cplus rebuild` prints."""

from __future__ import annotations

from typing import Any

from cplus.cli.read_models import repair
from cplus.counts import counted

_NAMED = 10  # shops named in a line


def text(said: dict[str, Any]) -> str:
    """The result of any kind of rebuild."""
    if "repaired" in said:
        return repair.text(said)
    if "dropped" in said:
        return "dropped: " + (", ".join(said["dropped"]) or "nothing, there is only one generation")
    if "collection" not in said:
        return f"{said['projection']} now reads from {said['live']}"
    events = counted(said["events"], "event")
    rate = f"{events} in {said['seconds']:,.1f} s, {said['events_per_second']:,}/s"
    if said["stopped"]:
        return f"stopped: {rate}; {said['left']:,} left. Run the same command to continue."
    compared = _compared(said)
    dead = ""
    if said["dead_letters"]:
        became = ("message became a dead letter", "messages became dead letters")
        dead = f"; {counted(said['dead_letters'], *became)}"
    told = f"{rate}{compared}{dead}{_still(said)}{_kept(said)}"
    return f"{said['projection']} now reads from {said['live']}: {told}"


def _kept(said: dict[str, Any]) -> str:
    """Which previous generations are kept up to date, and how to drop them."""
    older = said["older"]
    if not older:
        return ""
    drop = f"`cplus rebuild {said['projection']} --drop` drops"
    if len(older) == 1:
        return f"; {older[0]} is kept up to date until {drop} it"
    return f"; {', '.join(older)} are kept up to date until {drop} them"


def _still(said: dict[str, Any]) -> str:
    """Where it is parked, and why."""
    shops = [f"{one['shop']} ({one['reason']})" for one in said["parked"][:_NAMED]]
    shops += ["…"] if len(said["parked"]) > _NAMED else []
    return f"; parked in {', '.join(shops)}" if shops else ""


def places(said: dict[str, Any]) -> str:
    """At which position it is parked in each shop, and why."""
    shops = [
        f"{one['shop']} at position {one['position']} ({one['reason']} {one['type']})"
        for one in said["parked"][:_NAMED]
    ]
    more = len(said["parked"]) - _NAMED
    return ", ".join([*shops, *([f"and {more:,} more"] if more > 0 else [])])


def _compared(said: dict[str, Any]) -> str:
    """How it differs from the previous generation, if the two can be compared."""
    if said["differences"] is None:
        return ""
    missed = said["uncompared"]
    differ = counted(said["differences"], "row differs", "rows differ")
    differing = f", {differ} from the previous generation"
    if not missed:
        return differing
    if not said["compared"]:
        differing = ""
    else:
        differing += f" in {counted(said['compared'], 'shop')}"
    named = ", ".join([*missed[:_NAMED], *(["…"] if len(missed) > _NAMED else [])])
    busy = counted(len(missed), "busy shop was", "busy shops were")
    return f"{differing}; {busy} not compared ({named})"
