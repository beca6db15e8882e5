"""What may be asked of the read models: `Queries` and, for each area, the part of it alone; and the
frozen values that they answer."""

from cplus.projections.queries.conversations import ConversationQueries
from cplus.projections.queries.customers import CustomerQueries
from cplus.projections.queries.figures import Day, Figures, every_day, summed
from cplus.projections.queries.filters import Filter
from cplus.projections.queries.leads import LeadQueries
from cplus.projections.queries.metrics import MetricsQueries
from cplus.projections.queries.paging import cursor_in_front, cursor_of
from cplus.projections.queries.privacy import PrivacyQueries
from cplus.projections.queries.progress import ProgressQueries
from cplus.projections.queries.queries import Queries
from cplus.projections.queries.search import SearchQueries
from cplus.projections.queries.segments import Member, SegmentQueries, Wanted
from cplus.projections.queries.shops import ShopQueries
from cplus.projections.queries.views import (
    BillingAccount,
    Conversation,
    ConversationCounts,
    ConversationState,
    Customer,
    CustomerDetail,
    CustomerImport,
    CustomerKind,
    DataRequest,
    DataRequestCounts,
    DataRequestState,
    Delivery,
    DeliveryState,
    Erasure,
    FileView,
    FirstOrder,
    Hit,
    Hits,
    Lead,
    MailStatus,
    Merge,
    Message,
    Order,
    Page,
    PersonCounts,
    SetAside,
    SetAsideKind,
    Setup,
    Shop,
    Subscription,
)

__all__ = [
    "BillingAccount",
    "Conversation",
    "ConversationCounts",
    "ConversationQueries",
    "ConversationState",
    "Customer",
    "CustomerDetail",
    "CustomerImport",
    "CustomerKind",
    "CustomerQueries",
    "DataRequest",
    "DataRequestCounts",
    "DataRequestState",
    "Day",
    "Delivery",
    "DeliveryState",
    "Erasure",
    "Figures",
    "FileView",
    "Filter",
    "FirstOrder",
    "Hit",
    "Hits",
    "Lead",
    "LeadQueries",
    "MailStatus",
    "Member",
    "Merge",
    "Message",
    "MetricsQueries",
    "Order",
    "Page",
    "PersonCounts",
    "PrivacyQueries",
    "ProgressQueries",
    "Queries",
    "SearchQueries",
    "SegmentQueries",
    "SetAside",
    "SetAsideKind",
    "Setup",
    "Shop",
    "ShopQueries",
    "Subscription",
    "Wanted",
    "cursor_in_front",
    "cursor_of",
    "every_day",
    "summed",
]
