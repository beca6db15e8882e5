"""Queries a shop's customers, page by page, and the shop itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cplus.deadline import Deadline
from cplus.errors import ShopifyRefused, ShopifyUnavailable
from cplus.shopify.admin import AdminClient
from cplus.shopify.cursors import CursorPlace, place_of
from cplus.shopify.documents import CUSTOMER, CUSTOMERS, SHOP
from cplus.shopify.values import (
    MAX_INT64,
    Currency,
    GidNumber,
    Moment,
    Money,
    Text,
    Unsigned,
    UnsignedId,
)

log = structlog.get_logger()

MAX_PAGE: Final = 150
"""Maximum number of customers per query.

Shopify refuses a query that costs more than 1,000 points before running it. An object costs one
point, a connection the sum of its objects; our query has six objects per customer.
"""

WINDOW: Final = 20_000
"""Number of customers after which paging restarts after the last id, for a new count."""

_REACH: Final = 25_000  # objects through which Shopify pages at most


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Spent(_Answer):
    """A customer's total amount spent."""

    amount: Money
    currency: Currency = Field(validation_alias="currencyCode")


class Email(_Answer):
    """A customer's address, and whether it may be used for marketing."""

    address: Text = Field(validation_alias="emailAddress")
    marketing_state: Text = Field(validation_alias="marketingState")
    marketing_updated_at: Moment | None = Field(None, validation_alias="marketingUpdatedAt")
    valid: bool = Field(True, validation_alias="validFormat")


class SmsConsent(_Answer):
    """Whether a customer's phone may be used for marketing."""

    state: Text
    updated_at: Moment | None = Field(None, validation_alias="updatedAt")


class Phone(_Answer):
    """A customer's phone number."""

    number: Text = Field(validation_alias="phoneNumber")
    consent: SmsConsent | None = Field(None, validation_alias="smsMarketingConsent")


class LastOrder(_Answer):
    """A customer's newest order."""

    id: Unsigned = Field(validation_alias="legacyResourceId")
    name: Text


class ImportedCustomer(_Answer):
    """A customer in the Admin API."""

    id: UnsignedId = Field(validation_alias="legacyResourceId")
    first_name: Text | None = Field(None, validation_alias="firstName")
    last_name: Text | None = Field(None, validation_alias="lastName")
    display_name: Text = Field("", validation_alias="displayName")
    locale: Text | None = None
    state: Text | None = None
    tags: tuple[Text, ...] = ()
    note: Text | None = None
    number_of_orders: Unsigned = Field(0, validation_alias="numberOfOrders")
    spent: Spent | None = Field(None, validation_alias="amountSpent")
    created_at: Moment | None = Field(None, validation_alias="createdAt")
    updated_at: Moment | None = Field(None, validation_alias="updatedAt")
    email: Email | None = Field(None, validation_alias="defaultEmailAddress")
    phone: Phone | None = Field(None, validation_alias="defaultPhoneNumber")
    last_order: LastOrder | None = Field(None, validation_alias="lastOrder")


class CustomersPage(_Answer):
    """Some customers in the order of their ids, and the next cursor."""

    customers: tuple[ImportedCustomer, ...]
    end_cursor: str | None
    """Pass it to the next call as `after`; it can be stored. None if no more follow."""
    has_next: bool
    last: int = 0
    """The largest id that was read up to here. Pass it to the next call as `last`; it is beside the
    cursor because older releases, which read the same log, do not know it."""
    skipped: int = 0
    """Customers of the page that could not be read."""


class Plan(_Answer):
    """A shop's Shopify plan."""

    name: Text = Field(validation_alias="publicDisplayName")
    plus: bool = Field(False, validation_alias="shopifyPlus")
    development: bool = Field(False, validation_alias="partnerDevelopment")


class Domain(_Answer):
    """The public address of the shop."""

    host: Text


class ShopAddress(_Answer):
    """The shop's published postal address."""

    country: Text | None = Field(None, validation_alias="countryCodeV2")


class ShopInfo(_Answer):
    """A shop in the Admin API."""

    id: GidNumber
    name: Text
    email: Text
    contact_email: Text | None = Field(None, validation_alias="contactEmail")
    host: Text = Field(validation_alias="myshopifyDomain")
    domain: Domain | None = Field(None, validation_alias="primaryDomain")
    currency: Currency = Field(validation_alias="currencyCode")
    timezone: Text = Field(validation_alias="ianaTimezone")
    address: ShopAddress = Field(ShopAddress(), validation_alias="shopAddress")
    created_at: Moment | None = Field(None, validation_alias="createdAt")
    plan: Plan

    @property
    def addresses(self) -> tuple[str, str | None]:
        """The owner's, to which Shopify writes, and the public one."""
        return self.email, self.contact_email


async def shop_info(client: AdminClient, *, deadline: Deadline | None = None) -> ShopInfo:
    """Name, addresses, currency, time zone, country and plan of the client's shop.

    Raises the same errors as AdminClient.query.
    """
    data = await client.query(SHOP, {}, deadline=deadline)
    try:
        return ShopInfo.model_validate(data["shop"])
    except (KeyError, ValidationError) as error:
        raise _unreadable(client, error) from None


async def customers_page(
    client: AdminClient,
    first: int,
    after: str | None,
    *,
    last: int = 0,
    deadline: Deadline | None = None,
    window: int = WINDOW,
    most: int = MAX_PAGE,
) -> CustomersPage:
    """At most `first` customers after the cursor `after` (None: from the beginning).

    The page is smaller than `first` if the query would cost more than Shopify allows: it requests
    `most` at once, and fewer if that is refused. The cursor is ours: it contains Shopify's, and
    where to restart if Shopify pages no further. A customer with unreadable fields is left out and
    counted: one customer must not stop the import of thousands. Raises the same errors as
    AdminClient.query, and InvalidInput for a cursor that is not ours.
    """
    place = place_of(after, last)
    data = await _customers(client, min(first, most), place, deadline)
    try:
        info = data["customers"]["pageInfo"]
        nodes = list(data["customers"]["nodes"])
        has_next, end = info["hasNextPage"], info["endCursor"]
        if not isinstance(has_next, bool):
            raise TypeError
    except (KeyError, TypeError) as error:
        raise _unreadable(client, error) from None
    customers = tuple(one for node in nodes if (one := customer_of(client, node)) is not None)
    skipped = len(nodes) - len(customers)
    cursor = None
    if has_next:
        behind = _next(place, [id_of(node) for node in nodes], end, window)
        if behind is None:
            # Taken for the end, it would lose the rest; followed, it would go round for ever.
            raise ShopifyUnavailable(
                shop=client.shop, reason="the list of customers goes no further"
            )
        cursor, last = str(behind), behind.last
    return CustomersPage(
        customers=customers, end_cursor=cursor, has_next=has_next, last=last, skipped=skipped
    )


async def customer_exists(
    client: AdminClient, shopify_id: int, *, deadline: Deadline | None = None
) -> bool:
    """Whether Shopify has the customer. Raises the same errors as AdminClient.query."""
    variables = {"id": f"gid://shopify/Customer/{shopify_id}"}
    data = await client.query(CUSTOMER, variables, deadline=deadline)
    if "customer" not in data:
        raise _unreadable(client, KeyError("customer"))
    return data["customer"] is not None


def _next(
    place: CursorPlace, ids: Sequence[int | None], end: object, window: int
) -> CursorPlace | None:
    """Where to go on behind these customers, if Shopify says that more follow; None if that is not
    further than before."""
    known = [one for one in ids if one is not None]
    last = max([place.last, *known])
    # Cursors may go round. Ids that grow end some day; a page without one counts as a full page, so
    # that there is a last one too.
    count = place.read + (len(ids) if known else max(len(ids), MAX_PAGE))
    goes_round = last == place.last if known else count > _REACH
    if goes_round:
        return None
    behind = CursorPlace(last, 0 if known else count, last, "")
    if not ids or not isinstance(end, str):
        return None if (last, "") == (place.floor, place.cursor) else behind
    if end == place.cursor:
        return None
    # A window starts after a readable id; until there is one, this window continues.
    return behind if count >= window and known else CursorPlace(place.floor, count, last, end)


def id_of(node: object) -> int | None:
    """The id of a customer or an order that Shopify told of; None if it cannot be read."""
    found = node.get("legacyResourceId") if isinstance(node, dict) else None
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 20:
        return number if 0 < (number := int(found)) <= MAX_INT64 else None
    return None


def customer_of(client: AdminClient, node: object) -> ImportedCustomer | None:
    """A customer as Shopify told of them; None, and a log line, if that cannot be read."""
    try:
        return ImportedCustomer.model_validate(node)
    except ValidationError as error:
        log.warning("customer_unreadable", shop=client.shop, reason=_where(error))
        return None


async def _customers(
    client: AdminClient, first: int, place: CursorPlace, deadline: Deadline | None
) -> dict[str, Any]:
    query = f"id:>{place.floor}" if place.floor else None
    while True:
        variables = {"first": first, "after": place.cursor or None, "query": query}
        try:
            return await client.query(CUSTOMERS, variables, deadline=deadline)
        except ShopifyRefused as refused:
            # Shopify sets the cost of a query, and may change it at any time.
            if refused.values["code"] != "MAX_COST_EXCEEDED" or first == 1:
                raise
            first //= 2


def _unreadable(client: AdminClient, error: Exception) -> ShopifyUnavailable:
    where = "an answer of another shape"
    if isinstance(error, ValidationError):
        where = f"{where}: {_where(error)}"
    return ShopifyUnavailable(shop=client.shop, reason=where)


def _where(error: ValidationError) -> str:
    """The field at fault and what is wrong with it; never its value."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
