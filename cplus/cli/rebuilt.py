"""What `cplus rebuild` says for people."""

from __future__ import annotations

from typing import Any

from cplus.cli import repair
from cplus.counts import counted

_NAMED = 10  # shops named in a line


def text(said: dict[str, Any]) -> str:
    """What a rebuild of any kind did."""
    if "put_right" in said:
        return repair.text(said)
    if "dropped" in said:
        return "dropped: " + (", ".join(said["dropped"]) or "nothing, there is one generation only")
    if "collection" not in said:
        return f"{said['projection']} is read from {said['live']}"
    events = counted(said["events"], "event")
    rate = f"{events} in {said['seconds']:,.1f} s, {said['events_per_second']:,}/s"
    if said["stopped"]:
        return f"stopped: {rate}; {said['left']:,} left. The same command goes on."
    compared = _compared(said)
    dead = ""
    if said["dead_letters"]:
        became = ("message became a dead letter", "messages became dead letters")
        dead = f"; {counted(said['dead_letters'], *became)}"
    told = f"{rate}{compared}{dead}{_still(said)}{_kept(said)}"
    return f"{said['projection']} is read from {said['live']}: {told}"


def _kept(said: dict[str, Any]) -> str:
    """What is folded beside it, and how that ends."""
    older = said["older"]
    if not older:
        return ""
    drop = f"`cplus rebuild {said['projection']} --drop` drops"
    if len(older) == 1:
        return f"; {older[0]} is kept current until {drop} it"
    return f"; {', '.join(older)} are kept current until {drop} them"


def _still(said: dict[str, Any]) -> str:
    """Where it stands still, and why."""
    shops = [f"{one['shop']} ({one['reason']})" for one in said["parked"][:_NAMED]]
    shops += ["…"] if len(said["parked"]) > _NAMED else []
    return f"; stands still in {', '.join(shops)}" if shops else ""


def places(said: dict[str, Any]) -> str:
    """In front of what it stands still in each shop, and why."""
    shops = [
        f"{one['shop']} at position {one['position']} ({one['reason']} {one['type']})"
        for one in said["parked"][:_NAMED]
    ]
    more = len(said["parked"]) - _NAMED
    return ", ".join([*shops, *([f"and {more:,} more"] if more > 0 else [])])


def _compared(said: dict[str, Any]) -> str:
    """How it differs from the one before, where the two can be compared."""
    if said["differences"] is None:
        return ""
    missed = said["uncompared"]
    differ = counted(said["differences"], "row differs", "rows differ")
    differing = f", {differ} from the one before"
    if not missed:
        return differing
    if not said["compared"]:
        differing = ""
    else:
        differing += f" in {counted(said['compared'], 'shop')}"
    named = ", ".join([*missed[:_NAMED], *(["…"] if len(missed) > _NAMED else [])])
    busy = counted(len(missed), "busy shop was", "busy shops were")
    return f"{differing}; {busy} not compared ({named})"
