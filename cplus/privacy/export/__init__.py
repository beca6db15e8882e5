"""Everything that is kept about one person, for the person themselves."""

from cplus.privacy.export.entries import (
    AddressNote,
    BlockNote,
    Consent,
    Deed,
    Details,
    Entry,
    ErasureAsked,
    MailOut,
    Order,
    Request,
    Sum,
    TagsTold,
    Written,
)
from cplus.privacy.export.gathering import Export, gather

__all__ = [
    "AddressNote",
    "BlockNote",
    "Consent",
    "Deed",
    "Details",
    "Entry",
    "ErasureAsked",
    "Export",
    "MailOut",
    "Order",
    "Request",
    "Sum",
    "TagsTold",
    "Written",
    "gather",
]
