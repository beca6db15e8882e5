"""Which projections a function folds together."""

from __future__ import annotations

from cplus.projections.base import Projection
from cplus.projections.generations.lineage import UnknownProjection
from cplus.projections.models.billing import BILLING
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.data_requests import DATA_REQUESTS
from cplus.projections.models.deliveries import DELIVERIES
from cplus.projections.models.erasures import ERASURES
from cplus.projections.models.message_words import MESSAGE_WORDS
from cplus.projections.models.messages import MESSAGES
from cplus.projections.models.metrics import METRICS
from cplus.projections.models.orders import ORDERS
from cplus.projections.models.sending import SENDING
from cplus.projections.models.set_aside import SET_ASIDE
from cplus.projections.models.shops import SHOPS

PROJECT_CONVERSATIONS: tuple[Projection, ...] = (
    CONVERSATIONS,
    MESSAGES,
    MESSAGE_WORDS,
    DELIVERIES,
    SET_ASIDE,
)
PROJECT_CUSTOMERS: tuple[Projection, ...] = (
    CUSTOMERS,
    ORDERS,
    DATA_REQUESTS,
    ERASURES,
)
PROJECT_BILLING: tuple[Projection, ...] = (
    BILLING,
    SHOPS,
    METRICS,
    SENDING,
)
ALL: tuple[Projection, ...] = (*PROJECT_CONVERSATIONS, *PROJECT_CUSTOMERS, *PROJECT_BILLING)


def named(name: str) -> Projection:
    """The projection of that name in its newest version; raises UnknownProjection."""
    found = [projection for projection in ALL if projection.name == name]
    if not found:
        known = ", ".join(sorted({projection.name for projection in ALL}))
        raise UnknownProjection(name=name, known=known)
    return max(found, key=lambda projection: projection.version)
