"""When the shop is open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from cplus.clock import zone
from cplus.commands.mail_settings import set_hours
from cplus.errors import InvalidInput
from cplus.events.aggregates.hours import DAYS, Interval, typed_dates, typed_day
from cplus.web.kit import formats
from cplus.web.kit.i18n import translated
from cplus.web.merchant.settings.section import Looking, Section, Sent
from cplus.wording import worded


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
    week: list[tuple[Interval, ...]] = []
    closed: frozenset[date] = frozenset()
    wrong: dict[str, str] = {}
    for field in (*DAYS, "closed"):  # all that is wrong is said at once, each beside its field
        typed = sent.fields.get(field, "")
        try:
            if field == "closed":
                closed = typed_dates(typed, today)
            else:
                week.append(typed_day(typed, field))
        except InvalidInput as error:
            wrong[field] = translated(error.values["reason"])
    if wrong:
        reason = worded("nothing was saved; correct what is marked")
        raise InvalidInput(reason=reason, fields=wrong)
    await set_hours(
        at.me.shop,
        week,
        closed,
        key=sent.key,
        source="dashboard",
        actor=at.me.actor,
        use=at.use,
    )


HOURS: Final = Section("hours", _shown, _save)
