"""When the shop is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cplus.clock import zone
from cplus.commands.mail_settings import set_hours
from cplus.events.aggregates.hours import DAYS, typed_dates, typed_day
from cplus.web.kit import formats
from cplus.web.merchant.settings.section import Looking, Section, Sent


async def _shown(at: Looking) -> Mapping[str, Any]:
    hours, now, local = at.settings.hours, at.clock(), zone(at.me.timezone)
    week = hours.week if hours else ((),) * len(DAYS)
    opening = hours.next_opening(now, local) if hours else None
    return {
        "days": [
            (str(day), day, ", ".join(str(one).replace("-", "–") for one in times))
            for day, times in zip(DAYS, week, strict=True)
        ],
        "closed": "\n".join(day.isoformat() for day in sorted(hours.closed)) if hours else "",
        "zone": local.key,
        "set": hours is not None,
        "open": hours is not None and hours.is_open(now, local),
        "opening": formats.opening(opening, local) if opening else "",
    }


async def _save(at: Looking, sent: Sent) -> None:
    today = at.clock().astimezone(zone(at.me.timezone)).date()
    await set_hours(
        at.me.shop,
        [typed_day(sent.fields.get(day, ""), day) for day in DAYS],
        typed_dates(sent.fields.get("closed", ""), today),
        key=sent.key,
        source="dashboard",
        actor=at.me.actor,
        use=at.use,
    )


HOURS: Final = Section("hours", _shown, _save)
