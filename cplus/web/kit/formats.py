"""Times, money and other figures on a page, as the language of its reader has them."""

from __future__ import annotations

import unicodedata
from datetime import date as calendar_day
from datetime import datetime, time, timedelta
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import DateTimePattern, format_date, format_time
from babel.numbers import format_currency, format_decimal, get_currency_symbol
from markupsafe import Markup

from cplus.web.kit.i18n import ENGLISH, language, ngettext, number
from cplus.web.kit.i18n import gettext as _

# English with the day first; other languages as CLDR has them, all with 24 hours:
# https://unicode.org/reports/tr35/tr35-dates.html#Date_Field_Symbol_Table
_DAY: Final = {ENGLISH: "d MMM"}
_DATE: Final = {ENGLISH: "d MMM y"}
_TIME: Final = "HH:mm"
_DIGITS: Final = 50  # of an amount in front of the decimal point; no money has as many
# Babel takes 0.1 ms for a text, and a list has a hundred of them, most of them the same again.
_KEPT: Final = 4_096  # texts of a kind


def money(amount: object, currency: str | None) -> str:
    """A decimal amount for people, with as many decimals as its currency has: `€1,234.50`,
    `₩1,235`, `1.250 KWD`; in German `1.234,50 €`.

    A currency with no sign of its own, or an unknown one, shows as its code after the amount.
    Shows a dash for an amount that is not a number, or that has more than 50 digits.
    """
    return _money(str(amount), currency or "", language())


@lru_cache(_KEPT)
def _money(amount: str, code: str, locale: str) -> str:
    try:
        value = Decimal(amount)
    except InvalidOperation:
        return "–"
    if not value.is_finite() or value.adjusted() >= _DIGITS:
        return "–"
    symbol = get_currency_symbol(code, locale)
    signed = symbol != code and unicodedata.category(symbol[-1]) == "Sc"
    pattern = None if signed else "#,##0.00"
    # Babel rounds in the context of the thread, whose 28 digits are too few for a long amount.
    with localcontext(prec=2 * _DIGITS):
        digits = format_currency(value, code, pattern, locale)
    return digits if signed or not code else f"{digits} {code}"


def brief_time(moment: datetime, now: datetime, at: ZoneInfo) -> str:
    """When it was, as short as a list wants it: `14:02`, `Yesterday, 23:58`, `3 Nov`,
    `3 Nov 2025`."""
    local, today = _local(moment, at), now.astimezone(at).date()
    if local.date() == today:
        return _time(local)
    if local.date() == today - timedelta(days=1):
        return _("Yesterday, %(time)s", time=_time(local))
    return _day(local.date()) if local.year == today.year else _date(local.date())


def time_tag(moment: datetime, now: datetime, at: ZoneInfo) -> Markup:
    """The same as HTML, with when it was in full as its title."""
    return _TAG % (moment.isoformat(), full_time(moment, at), brief_time(moment, now, at))


_TAG: Final = Markup('<time datetime="%s" title="%s">%s</time>')


def full_time(moment: datetime, at: ZoneInfo) -> str:
    """When it was, in full: `3 Nov 2026, 14:02`."""
    local = _local(moment, at)
    return f"{_date(local.date())}, {_time(local)}"


def clock_time(moment: datetime, at: ZoneInfo) -> str:
    """The time of day: `14:02`."""
    return _time(_local(moment, at))


def exact_time(moment: datetime, at: ZoneInfo) -> str:
    """When it was, to the second: `3 Nov 2026, 14:02:09`."""
    local = _local(moment, at)
    return f"{_date(local.date())}, {_time(local, ':ss')}"


def date(moment: datetime, at: ZoneInfo) -> str:
    """The day, with its year: `3 Nov 2026`."""
    return _date(_local(moment, at).date())


def calendar(day: calendar_day) -> str:
    """A day of the calendar: `3 Nov`."""
    return _day(day)


def opening(moment: datetime, at: ZoneInfo) -> str:
    """When a shop opens again, to follow "on": `Monday, 7 December at 09:00`."""
    local, locale = _local(moment, at), language()
    day = "d MMMM" if locale == ENGLISH else _skeleton("MMMMd", locale)
    return _(
        "%(weekday)s, %(day)s at %(time)s",
        weekday=format_date(local, "EEEE", locale),
        day=format_date(local, day, locale),
        time=_time(local),
    )


def span(seconds: float | None) -> str:
    """How long something took, for people: `40 s`, `12 min`, `3.5 h`, `2 days`."""
    if seconds is None:
        return "–"
    for unit, most, size in ((_("s"), 60, 1), (_("min"), 3_600, 60), (_("h"), 86_400, 3_600)):
        if seconds < most:
            return f"{_rounded(seconds / size)} {unit}"
    days = _rounded(seconds / 86_400)
    # Days and a half are many.
    return ngettext("%(days)s day", "%(days)s days", 1 if days == "1" else 2, days=days)


def _rounded(value: float) -> str:
    """Two digits or so: 3.5, 12, 140."""
    return number(round(value, 1) if value < 10 else round(value))


def size(count: float) -> str:
    """How large a file is: `1 Byte`, `13 Bytes`, `4.1 kB`."""
    if count < 1_000:
        return ngettext("%(num)s Byte", "%(num)s Bytes", int(count))
    for unit in ("kB", "MB", "GB", "TB"):
        count /= 1_000
        if count < 1_000 or unit == "TB":
            break
    return f"{format_decimal(round(count, 1), '#,##0.0', language())} {unit}"


def _local(moment: datetime, at: ZoneInfo) -> datetime:
    try:
        return moment.astimezone(at)
    except OverflowError:  # the first or the last day of the calendar, which the zone leaves
        return moment


def _time(local: datetime, seconds: str = "") -> str:
    second = local.second if seconds else 0
    return _time_of(local.hour, local.minute, second, f"{_TIME}{seconds}", language())


def _day(day: calendar_day) -> str:
    return _day_of(day, language())


def _date(day: calendar_day) -> str:
    return _date_of(day, language())


@lru_cache(_KEPT)
def _time_of(hour: int, minute: int, second: int, pattern: str, locale: str) -> str:
    return format_time(time(hour, minute, second), pattern, locale=locale)


@lru_cache(_KEPT)
def _day_of(day: calendar_day, locale: str) -> str:
    return format_date(day, _DAY.get(locale) or _skeleton("MMMd", locale), locale)


@lru_cache(_KEPT)
def _date_of(day: calendar_day, locale: str) -> str:
    return format_date(day, _DATE.get(locale) or _skeleton("yMMMd", locale), locale)


def _skeleton(fields: str, locale: str) -> str:
    pattern: DateTimePattern = Locale(locale).datetime_skeletons[fields]
    return pattern.pattern
