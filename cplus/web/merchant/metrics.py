"""What happened in the shop, day by day, and which mails did not arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from cplus.clock import zone
from cplus.projections.models.metrics import EDGES
from cplus.projections.queries import Day, Figures, every_day, summed
from cplus.web.kit.deps import ClockDep, PagesDep, QueriesDep
from cplus.web.kit.formats import span
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.signed_in import MerchantDep

router = APIRouter()

RANGES: Final = (7, 30, 90)
"""Days that a page shows, today among them."""
_FAILED: Final = 5  # mails on a page


@router.get("/metrics")
async def metrics(
    pages: PagesDep,
    queries: QueriesDep,
    clock: ClockDep,
    me: MerchantDep,
    days: Annotated[Literal["7", "30", "90"], Query()] = "30",
    cursor: str | None = None,
) -> HTMLResponse:
    """The last days in the shop's time zone, and a page of the mails that did not arrive."""
    here = zone(me.timezone)
    last = clock().astimezone(here).date()
    first = last - timedelta(days=int(days) - 1)
    shown = every_day(await queries.metrics_in(me.shop, here, first, last), first, last)
    failed = await queries.deliveries(me.shop, "failed", cursor, _FAILED)
    talks = [await queries.conversation(me.shop, one.conversation_id) for one in failed.items]
    address = f"/metrics?{urlencode({'days': days})}"
    return pages.render(
        "metrics.html",
        me=me,
        section="metrics",
        ranges=RANGES,
        days=int(days),
        some=[one for one in reversed(shown) if _listed(one.figures)],
        figures=summed(one.figures for one in shown),
        total=await queries.metrics_total(me.shop),
        chart=Chart.of(shown),
        waits=waits_of(summed(one.figures for one in shown)),
        failed=list(zip(failed.items, talks, strict=True)),
        zone=here.key,
        first=address if cursor else None,
        following=f"{address}&{urlencode({'cursor': failed.next})}#failed" if failed.next else None,
    )


def _listed(figures: Figures) -> bool:
    """Whether a day of these figures has anything in the columns of the table by day."""
    counts = (
        figures.conversations,
        figures.messages_in,
        figures.messages_out,
        figures.delivered,
        figures.bounced,
        figures.rejected,
    )
    return any(counts)


@dataclass(frozen=True, slots=True)
class Column:
    """A day of the chart: two bars side by side, in parts of a hundred of its height."""

    day: date
    received: int
    written: int
    received_height: float
    written_height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Messages by day."""

    columns: Sequence[Column]
    top: int
    """What the whole height stands for."""

    @classmethod
    def of(cls, days: Sequence[Day]) -> Chart:
        """Of these days; its top is a round number that no day passes."""
        pairs = [(one.figures.messages_in, one.figures.messages_out) for one in days]
        top = round_above(max((max(pair) for pair in pairs), default=0))
        columns = [
            Column(one.day, received, written, 100 * received / top, 100 * written / top)
            for one, (received, written) in zip(days, pairs, strict=True)
        ]
        return cls(columns, top)


@dataclass(frozen=True, slots=True)
class Wait:
    """How many first answers took so long, and their share of the fullest line in percent."""

    label: str
    answers: int
    share: float


def waits_of(figures: Figures) -> list[Wait]:
    """A line for each bucket up to the slowest answer."""
    most = max(figures.buckets)
    if not most:
        return []
    labels = [_("up to %(time)s", time=span(edge)) for edge in EDGES]
    labels.append(_("over %(time)s", time=span(EDGES[-1])))
    lines = [
        Wait(label, answers, 100 * answers / most)
        for label, answers in zip(labels, figures.buckets, strict=True)
    ]
    while not lines[-1].answers:
        lines.pop()
    return lines


def round_above(number: int) -> int:
    """The smallest number of the kind 2, 4, 6, 10, 20, 40, 60, 100, … that is not below."""
    step = 1
    while True:
        for factor in (2, 4, 6, 10):
            if factor * step >= number:
                return factor * step
        step *= 10
