"""Web push: what a browser gives to be told of news, and how it is told (RFC 8030, 8291, 8292)."""

from cplus.webpush.client import Answer, Gone, PushClient, Refused, Taken, TryLater
from cplus.webpush.subscription import Subscription, checked
from cplus.webpush.vapid import Vapid

__all__ = [
    "Answer",
    "Gone",
    "PushClient",
    "Refused",
    "Subscription",
    "Taken",
    "TryLater",
    "Vapid",
    "checked",
]
