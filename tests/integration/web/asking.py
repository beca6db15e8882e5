"""Customers who ask for their data, by Shopify's webhook."""

from __future__ import annotations

from typing import Any

from cplus.consumers.webhooks.notice import Notice
from cplus.consumers.webhooks.translate import translate
from cplus.events.catalogue.privacy import DataRequested
from cplus.events.names import data_request_stream
from cplus.shopify.compliance import DataRequest
from tests.integration.web.harness import SHOP, Harness


async def asks(web: Harness, request: int, shop: str = SHOP, **customer: Any) -> str:
    """Somebody asks for their data; answers who it is."""
    asking = DataRequest.model_validate({"customer": customer, "data_request": {"id": request}})
    now = web.clock()
    notice = Notice(shop, "customers/data_request", "w-1", now, now)
    [*_, asked] = [new.event for new in await translate(notice, asking, web.parts.persons.resolve)]
    assert isinstance(asked, DataRequested)
    stream = data_request_stream(request)
    await web.record(shop, stream, asked, refs=[stream, asked.person])
    return asked.person
