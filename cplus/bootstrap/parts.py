"""All parts of a process, what folds read models, and every index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cplus.bootstrap.conversations import ConversationParts
from cplus.events.log.store import ensure_indexes as ensure_log_indexes
from cplus.leases import ensure_indexes as ensure_lease_indexes
from cplus.mongo import connect
from cplus.privacy.keyring import ensure_indexes as ensure_key_indexes
from cplus.privacy.persons import ensure_indexes as ensure_person_indexes
from cplus.settings import Settings

if TYPE_CHECKING:
    from cplus.consumers.batches.handler import Consumer, Handler
    from cplus.projections.base import Projection


class Parts(ConversationParts):
    """The parts of one process, each made when it is first asked for and kept."""


def projector(group: Sequence[Projection]) -> Handler:
    """The handler of a function that folds the projections of `group` for nudged shops."""
    from cplus.consumers.batches.handler import queue_handler
    from cplus.consumers.folding.projecting import handle_nudges
    from cplus.logs import configure
    from cplus.projections.running.runner import Runner

    def made() -> Consumer:
        parts = Parts()
        configure(parts.settings.log_level)
        runner = Runner(parts.mongo, parts.store, parts.reader, group, parts.clock)
        pool = parts.settings.mongo_pool
        return (lambda records, limit: handle_nudges(records, runner, limit, pool)), parts.aws

    return queue_handler(made)


async def ensure_indexes(settings: Settings) -> None:
    """Creates every index; run it with each deployment, before the code that needs them."""
    from cplus.consumers.notices.reminders import ensure_indexes as ensure_reminder_indexes
    from cplus.consumers.scheduled.due import ensure_indexes as ensure_due_indexes
    from cplus.consumers.sending.limits.budget import ensure_indexes as ensure_budget_indexes
    from cplus.consumers.webhooks.record import ensure_indexes as ensure_webhook_indexes
    from cplus.privacy.sessions import ensure_indexes as ensure_session_indexes
    from cplus.privacy.token_tries import ensure_indexes as ensure_try_indexes
    from cplus.projections.generations.lineage_changes import (
        ensure_indexes as ensure_projection_indexes,
    )
    from cplus.projections.groups import ALL
    from cplus.shopify.shop_ids import ensure_indexes as ensure_shop_id_indexes
    from cplus.workspace import ensure_indexes as ensure_workspace_indexes
    from cplus.workspace.push_subscriptions import ensure_indexes as ensure_push_indexes

    mongo = connect(settings)
    try:
        await ensure_log_indexes(mongo.database)
        await ensure_person_indexes(mongo.keyring)
        await ensure_key_indexes(mongo.keyring)
        await ensure_lease_indexes(mongo.database)
        await ensure_webhook_indexes(mongo.database)
        await ensure_budget_indexes(mongo.database)
        await ensure_reminder_indexes(mongo.database)
        await ensure_due_indexes(mongo.database)
        await ensure_shop_id_indexes(mongo.database)
        await ensure_session_indexes(mongo.database)
        await ensure_try_indexes(mongo.database)
        await ensure_push_indexes(mongo.database)
        await ensure_workspace_indexes(mongo.database)
        await ensure_projection_indexes(mongo.database, ALL)
    finally:
        await mongo.close()
