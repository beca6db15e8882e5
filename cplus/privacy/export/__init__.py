"""Everything that is kept about one person, for the person themselves."""

from cplus.privacy.export.entries import Consent, Deed, Details, Entry, Order, Request, Sum, Written
from cplus.privacy.export.gathering import Export, gather

__all__ = [
    "Consent",
    "Deed",
    "Details",
    "Entry",
    "Export",
    "Order",
    "Request",
    "Sum",
    "Written",
    "gather",
]
