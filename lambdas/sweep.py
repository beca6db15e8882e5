"""The function `sweep`: makes up for lost nudges, each minute for recent shops, each hour for all;
measures the remaining lag and takes what is due each minute, learns ids of shops
and has some compared with Shopify each hour, and once a day asks to erase those whose time is
over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any, Final

from cplus.bootstrap import Parts, run
from cplus.consumers.batches.handler import limit_of
from cplus.consumers.batches.messages import start_by
from cplus.consumers.imports.reconciler import RECONCILE_HOUR, hour_message
from cplus.consumers.notices.reminders import carry_over
from cplus.consumers.reactions.carrying_over import carry_back
from cplus.consumers.reactions.registry import REACTIONS
from cplus.consumers.scheduled import sweep
from cplus.consumers.scheduled.registry import HANDLERS
from cplus.consumers.scheduled.retention import HOUR, erase_by_rule
from cplus.consumers.scheduled.shop_ids import learn_shop_ids
from cplus.consumers.scheduled.taking import take_due
from cplus.deadline import Deadline
from cplus.logs import configure
from cplus.projections.groups import ALL
from cplus.projections.running.runner import Runner

DUE: Final = 0.2
"""The share of a minute's time for what is due; the sweep has the rest."""


@cache
def _parts() -> tuple[Parts, Runner]:
    parts = Parts()
    configure(parts.settings.log_level)
    return parts, Runner(parts.mongo, parts.store, parts.reader, ALL, parts.clock)


async def run_scope(
    scope: sweep.Scope, parts: Parts, runner: Runner, limit: Deadline
) -> dict[str, Any]:
    """Does all that is due each minute (`recent`) or each hour (`all`); returns what was found and
    caught up. `limit` is when Lambda ends the function."""
    if scope == "all":
        return await _sweep(scope, parts, runner, limit)
    try:
        # First, with a share of the time: a backlog may take all of it, or end the function.
        await _take_due(parts, limit.or_within(DUE * limit.remaining()))
    finally:
        swept = await _sweep(scope, parts, runner, limit)
    return swept


async def _take_due(parts: Parts, deadline: Deadline) -> None:
    await carry_over(parts.mongo.database, parts.due_rows, parts.clock())
    await take_due(
        HANDLERS, parts.due_work, deadline=deadline, side_by_side=parts.settings.mongo_pool
    )


async def _sweep(
    scope: sweep.Scope, parts: Parts, runner: Runner, limit: Deadline
) -> dict[str, Any]:
    swept = await sweep.sweep(
        scope,
        runner,
        REACTIONS,
        parts.reactor,
        deadline=start_by(limit),
        clock=parts.clock,
        side_by_side=parts.settings.mongo_pool,
    )
    if scope == "recent":
        namespace = f"ConversationsPlus/{parts.settings.stage}"
        await sweep.measure_lag(runner, REACTIONS, namespace, parts.clock)
    else:
        await carry_back(parts.mongo, REACTIONS, parts.clock())
        if parts.clock().hour == HOUR:
            await erase_by_rule(parts.retention, deadline=limit.with_margin(60.0, 0.4))
        await learn_shop_ids(
            parts.credentials,
            parts.granting.ids,
            parts.shop_id,
            # A question may take longer than a step of the sweep: Shopify answers it.
            deadline=limit.with_margin(30.0, 0.2),
            side_by_side=parts.settings.mongo_pool,
        )
        hour = hour_message(parts.clock())
        await parts.aws.send(parts.settings.needed("import_queue"), hour, group=RECONCILE_HOUR)
    return asdict(swept)


async def _handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    scope: sweep.Scope = "all" if event.get("scope") == "all" else "recent"
    return await run_scope(scope, *_parts(), limit_of(context))


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Called by the schedule; returns what was found and caught up."""
    return run(_handle(event, context))
