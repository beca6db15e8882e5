"""The function `customer-import`: imports a shop's customers, handing its cursor on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from cplus.bootstrap import Parts, run
from cplus.consumers.batches import sqs
from cplus.consumers.batches.leases import Leases
from cplus.consumers.imports import customer_import
from cplus.logs import configure


@cache
def _importer() -> customer_import.Importer:
    parts = Parts()
    settings = parts.settings
    configure(settings.log_level)
    return customer_import.Importer(
        store=parts.store,
        persons=parts.persons,
        bodies=parts.bodies,
        credentials=parts.credentials,
        leases=Leases(parts.mongo.database),
        nudger=parts.nudger,
        send=partial(parts.aws.send, settings.import_queue),
        origin=settings.shopify_origin,
        api_version=settings.shopify_api_version,
        page_size=settings.import_page_size,
        clock=parts.clock,
    )


async def _handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    failed = await customer_import.handle(sqs.records(event), _importer(), remaining)
    return sqs.answer(failed)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answers a batch of SQS messages with those that failed."""
    return run(_handle(event, context))
