"""All that the dashboard and the API may ask of the read models, each question on an index."""

from __future__ import annotations

from cplus.projections.queries.conversations import ConversationQueries
from cplus.projections.queries.metrics import MetricsQueries
from cplus.projections.queries.privacy import PrivacyQueries
from cplus.projections.queries.progress import ProgressQueries
from cplus.projections.queries.search import PeopleQueries, SearchQueries
from cplus.projections.queries.segments import SegmentQueries
from cplus.projections.queries.shops import ShopQueries


class Queries(
    ConversationQueries,
    PeopleQueries,
    SegmentQueries,
    PrivacyQueries,
    ShopQueries,
    MetricsQueries,
    SearchQueries,
    ProgressQueries,
):
    """Questions to the read models of one shop at a time. Raises InvalidInput for a bad cursor."""
