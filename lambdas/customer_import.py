"""The function `customer-import`: imports a shop's customers page by page, and once a day compares
what changed there with what is known."""

from __future__ import annotations

from functools import partial

from cplus.bootstrap import Parts
from cplus.consumers.batches.handler import Consumer, queue_handler
from cplus.consumers.imports.customer_import import handle
from cplus.consumers.imports.importer import Importer
from cplus.consumers.imports.reconciler import RECONCILE, RECONCILE_HOUR, Reconciler, hand_out
from cplus.consumers.imports.reconciling import reconcile
from cplus.leases import Leases
from cplus.logs import configure


def _importer() -> Consumer:
    parts = Parts()
    settings = parts.settings
    configure(settings.log_level)
    importer = Importer(
        store=parts.store,
        persons=parts.persons,
        listed=parts.listed,
        bodies=parts.bodies,
        credentials=parts.credentials,
        leases=Leases(parts.mongo.database),
        rows=parts.queries,
        recorder=parts.recorder,
        send=partial(parts.aws.send, settings.import_queue),
        origin=settings.shopify_origin,
        api_version=settings.shopify_api_version,
        page_size=settings.import_page_size,
        clock=parts.clock,
        bulk_over=settings.import_bulk_over,
        bulk_orders_over=settings.import_bulk_orders_over,
    )
    namespace = f"ConversationsPlus/{settings.stage}"
    reconciler = Reconciler(importer, parts.credentials.shops, namespace)
    others = {
        RECONCILE: partial(reconcile, reconciler),
        RECONCILE_HOUR: partial(hand_out, reconciler),
    }
    return (lambda records, limit: handle(records, importer, limit, others)), parts.aws


handler = queue_handler(_importer)
