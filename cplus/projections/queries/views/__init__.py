"""What queries answer: one frozen value per thing that a page shows. Times are UTC."""

from cplus.events.segment import CustomerKind
from cplus.projections.queries.views.conversations import (
    Conversation,
    ConversationCounts,
    ConversationState,
    Delivery,
    DeliveryState,
    FailedReply,
    FileView,
    MailStatus,
    Message,
    SetAside,
    SetAsideKind,
)
from cplus.projections.queries.views.customers import (
    Customer,
    CustomerDetail,
    Merge,
    PersonCounts,
)
from cplus.projections.queries.views.orders import (
    FirstOrder,
    Lead,
    Order,
    OrderItem,
    OrderRefund,
    Parcel,
    TrackingLink,
)
from cplus.projections.queries.views.page import Page
from cplus.projections.queries.views.privacy import (
    DataRequest,
    DataRequestCounts,
    DataRequestState,
    Erasure,
    Notice,
)
from cplus.projections.queries.views.search import Hit, Hits
from cplus.projections.queries.views.shops import (
    BillingAccount,
    CustomerImport,
    Setup,
    Shop,
    Subscription,
    WaitingMail,
)

__all__ = [
    "BillingAccount",
    "Conversation",
    "ConversationCounts",
    "ConversationState",
    "Customer",
    "CustomerDetail",
    "CustomerImport",
    "CustomerKind",
    "DataRequest",
    "DataRequestCounts",
    "DataRequestState",
    "Delivery",
    "DeliveryState",
    "Erasure",
    "FailedReply",
    "FileView",
    "FirstOrder",
    "Hit",
    "Hits",
    "Lead",
    "MailStatus",
    "Merge",
    "Message",
    "Notice",
    "Order",
    "OrderItem",
    "OrderRefund",
    "Page",
    "Parcel",
    "PersonCounts",
    "SetAside",
    "SetAsideKind",
    "Setup",
    "Shop",
    "Subscription",
    "TrackingLink",
    "WaitingMail",
]
