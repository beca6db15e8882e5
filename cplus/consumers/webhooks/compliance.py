"""What Shopify asks of every app: to tell what is kept about a customer, and to erase a customer or
a shop."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from cplus.consumers.shopify_facts import Resolve, known
from cplus.consumers.webhooks.notice import Notice
from cplus.errors import InvalidInput
from cplus.events.base import NewEvent
from cplus.events.catalogue.privacy import DataRequested, ErasureRequested, ShopErasureRequested
from cplus.events.names import (
    asking_person,
    data_request_stream,
    erasing_person,
    erasure_of_webhook,
    erasure_stream,
)
from cplus.privacy.erasing import DONE_WITHIN
from cplus.shopify.compliance import CustomerRedact, DataRequest, ShopRedact

REQUIRED: Final = (DataRequested, ErasureRequested, ShopErasureRequested)
"""The events of what Shopify requires: none of them is left out of the log."""

_AT_SOME_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def data_request(notice: Notice, payload: DataRequest, resolve: Resolve) -> list[NewEvent]:
    """A customer asks for their data."""
    if payload.data_request is None:
        raise InvalidInput(reason=f"{notice.topic}: data_request is missing")
    request, who, at = payload.data_request.id, payload.customer, notice.when()
    # An address that comes with an id is one more fact about that customer's account. So the data
    # of somebody who only wrote from it is theirs too.
    person, joined = await known(
        *(resolve, notice.shop, who.id, who.email, at if who.email else None, notice.triggered_at),
        phone=who.phone,
        happened_at=at,
    )
    fact = DataRequested(
        request_id=request,
        person=person or asking_person(request),
        shopify_customer_id=who.id,
        email=who.email,
        phone=who.phone,
        due_at=at + DONE_WITHIN,
    )
    return notice.facts(data_request_stream(request), None, *joined, fact)


async def customer_redact(
    notice: Notice, payload: CustomerRedact, resolve: Resolve
) -> list[NewEvent]:
    """A customer is to be erased. What names them here is sealed under their key too, and so erased
    with them."""
    who, erasure = payload.customer, erasure_of_webhook(notice.topic, notice.webhook_id)
    if not (who.id or who.email or who.phone):
        raise InvalidInput(reason=f"{notice.topic}: the customer has no id, email or phone")
    # The account had the address at some time. Shopify sends this days after it was asked for, and
    # somebody else may have the address by now: whatever is known of it is newer.
    at = _AT_SOME_TIME if who.id and who.email else None
    person, joined = await known(
        *(resolve, notice.shop, who.id, who.email, at),
        phone=who.phone,
        happened_at=notice.when(),
    )
    fact = ErasureRequested(
        erasure=erasure,
        person=person or erasing_person(erasure),
        shopify_customer_id=who.id,
        email=who.email,
        phone=who.phone,
        due_at=notice.when() + DONE_WITHIN,
    )
    return notice.facts(erasure_stream(erasure), None, *joined, fact)


async def shop_redact(notice: Notice, _payload: ShopRedact, _resolve: Resolve) -> list[NewEvent]:
    """A shop that removed the app is to be erased."""
    erasure = erasure_of_webhook(notice.topic, notice.webhook_id)
    fact = ShopErasureRequested(erasure=erasure, due_at=notice.when() + DONE_WITHIN)
    return notice.facts(erasure_stream(erasure), None, fact)
