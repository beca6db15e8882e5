"""What Shopify tells us by webhook, as events of the catalogue.

Pure but for the directory of persons, which is handed in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from cplus.consumers.shopify_facts import Resolve, known
from cplus.consumers.shopify_orders import fulfillment_fact, order_facts, refund_fact
from cplus.consumers.webhooks import compliance
from cplus.consumers.webhooks.notice import Notice
from cplus.errors import InvalidInput
from cplus.events.base import NewEvent
from cplus.events.catalogue.billing import CapApproached, SubscriptionChanged
from cplus.events.catalogue.customers import (
    CustomerChanged,
    CustomerConsentChanged,
    CustomerDeleted,
    CustomerSpendChanged,
    CustomerTagsChanged,
    PersonsJoined,
)
from cplus.events.catalogue.orders import OrderDeleted
from cplus.events.catalogue.shops import (
    AppUninstalled,
    BulkOperationFinished,
    ScopesChanged,
    ShopChanged,
)
from cplus.events.names import (
    billing_stream,
    customer_stream,
    order_stream,
    shop_stream,
)
from cplus.shopify import orders, webhooks
from cplus.shopify.compliance import CustomerRedact, DataRequest, ShopRedact
from cplus.shopify.payloads import Webhook

T = TypeVar("T")


async def translate(notice: Notice, payload: Webhook, resolve: Resolve) -> list[NewEvent]:
    """The events that the webhook means, once it is known to be of this shop.

    Raises InvalidInput with a reason that shows no value of the body, and whatever the directory
    raises.
    """
    return await _MEANINGS[type(payload)](notice, payload, resolve)


async def _customer(notice: Notice, payload: webhooks.Customer, resolve: Resolve) -> list[NewEvent]:
    # An address that is left out is not known, one that is null is none.
    when, told_at = notice.when(payload.updated_at), notice.triggered_at
    at = when if "email" in payload.model_fields_set else None
    person, joined = await known(
        resolve, notice.shop, payload.id, payload.email, at, told_at, happened_at=when
    )
    fact = CustomerChanged(
        shopify_customer_id=payload.id,
        person=_someone(person),
        first_name=payload.first_name,
        last_name=payload.last_name,
        email=payload.email,
        phone=payload.phone,
        note=payload.note,
        locale=payload.locale,
        state=payload.state,
        currency=payload.currency,
        created_at=payload.created_at,
    )
    return notice.facts(customer_stream(payload.id), payload.updated_at, *joined, fact)


async def _customer_deleted(
    notice: Notice, payload: webhooks.CustomerDeleted, resolve: Resolve
) -> list[NewEvent]:
    when = notice.when()
    person, joined = await known(resolve, notice.shop, payload.id, None, happened_at=when)
    fact = CustomerDeleted(shopify_customer_id=payload.id, person=_someone(person))
    return notice.facts(customer_stream(payload.id), None, *joined, fact)


async def _customers_merged(
    notice: Notice, payload: webhooks.CustomersMerged, resolve: Resolve
) -> list[NewEvent]:
    if not payload.completed:
        return []
    if payload.kept_id == payload.deleted_id:
        raise InvalidInput(reason=f"{notice.topic}: both customers are the same")
    when = notice.when()
    kept = await resolve(notice.shop, shopify_id=payload.kept_id, happened_at=when)
    gone = await resolve(notice.shop, shopify_id=payload.deleted_id, happened_at=when)
    one, other = _someone(kept), _someone(gone)
    # Who stays is decided as the directory does it, the smaller id: so no two joins ever point
    # at each other.
    person, absorbed = sorted((one.person, other.person))
    joined = [PersonsJoined(person=person, absorbed=absorbed)] if person != absorbed else []
    if one.erased or other.erased:
        # Shopify merges nobody whom it has redacted, but a merchant can erase people here alone.
        person, joined = other.person, []
    fact = CustomerDeleted(
        shopify_customer_id=payload.deleted_id, person=person, merged_into=payload.kept_id
    )
    return [
        *notice.facts(customer_stream(payload.kept_id), None, *joined),
        *notice.facts(customer_stream(payload.deleted_id), None, fact),
    ]


async def _consent(
    notice: Notice, payload: webhooks.EmailConsentUpdated, resolve: Resolve
) -> list[NewEvent]:
    consent = payload.email_marketing_consent
    if consent.state is None:
        raise InvalidInput(reason=f"{notice.topic}: email_marketing_consent.state is missing")
    when = notice.when(consent.consent_updated_at)
    person, joined = await known(resolve, notice.shop, payload.customer_id, None, happened_at=when)
    fact = CustomerConsentChanged(
        shopify_customer_id=payload.customer_id,
        person=_someone(person),
        email_consent=consent.state.lower(),
    )
    stream = customer_stream(payload.customer_id)
    return notice.facts(stream, consent.consent_updated_at, *joined, fact)


async def _spend(
    notice: Notice, payload: webhooks.PurchasingSummary, resolve: Resolve
) -> list[NewEvent]:
    when = notice.when(payload.occurred_at)
    person, joined = await known(resolve, notice.shop, payload.customer_id, None, happened_at=when)
    spent = payload.spent
    fact = CustomerSpendChanged(
        shopify_customer_id=payload.customer_id,
        person=_someone(person),
        orders=payload.number_of_orders,
        amount_spent=spent.amount if spent else "0.00",
        currency=spent.currency if spent else None,
    )
    stream = customer_stream(payload.customer_id)
    return notice.facts(stream, payload.occurred_at, *joined, fact)


async def _order(notice: Notice, payload: orders.Order, resolve: Resolve) -> list[NewEvent]:
    try:
        return await order_facts(
            notice.shop, payload, resolve, when=notice.when(), told_at=notice.triggered_at
        )
    except InvalidInput as error:
        raise InvalidInput(reason=f"{notice.topic}: {error.values['reason']}") from None


async def _fulfillment(
    notice: Notice, payload: orders.FulfillmentChanged, _resolve: Resolve
) -> list[NewEvent]:
    when = payload.updated_at or payload.created_at
    fact = fulfillment_fact(payload, notice.when(when))
    return notice.facts(order_stream(payload.order_id), when, fact)


async def _refund(
    notice: Notice, payload: orders.RefundCreated, _resolve: Resolve
) -> list[NewEvent]:
    when = payload.processed_at or payload.created_at
    return notice.facts(order_stream(payload.order_id), when, refund_fact(payload))


async def _order_edited(
    _notice: Notice, _payload: orders.OrderEdited, _resolve: Resolve
) -> list[NewEvent]:
    # It says by how much line items changed. What they are now comes with `orders/updated`, which
    # Shopify sends for each edit.
    return []


async def _order_deleted(
    notice: Notice, payload: orders.OrderDeleted, _resolve: Resolve
) -> list[NewEvent]:
    fact = OrderDeleted(shopify_order_id=payload.id)
    return notice.facts(order_stream(payload.id), None, fact)


async def _tags(notice: Notice, payload: webhooks.CustomerTags, resolve: Resolve) -> list[NewEvent]:
    tags = tuple(dict.fromkeys(tag for told in payload.tags if (tag := told.strip())))
    if not tags:
        return []
    when = notice.when(payload.occurred_at)
    person, joined = await known(resolve, notice.shop, payload.customer_id, None, happened_at=when)
    removed = notice.topic == "customer.tags_removed"
    fact = CustomerTagsChanged(
        shopify_customer_id=payload.customer_id,
        person=_someone(person),
        added=None if removed else tags,
        removed=tags if removed else None,
    )
    stream = customer_stream(payload.customer_id)
    return notice.facts(stream, payload.occurred_at, *joined, fact)


async def _uninstalled(
    notice: Notice, _payload: webhooks.Uninstalled, _resolve: Resolve
) -> list[NewEvent]:
    return notice.facts(shop_stream(notice.shop), None, AppUninstalled())


async def _scopes(
    notice: Notice, payload: webhooks.ScopesUpdated, _resolve: Resolve
) -> list[NewEvent]:
    if set(payload.current) == set(payload.previous):
        return []
    fact = ScopesChanged(scopes=payload.current, previous=payload.previous)
    return notice.facts(shop_stream(notice.shop), payload.updated_at, fact)


async def _shop(notice: Notice, payload: webhooks.Shop, _resolve: Resolve) -> list[NewEvent]:
    stream = shop_stream(notice.shop)
    if payload.name is None:
        raise InvalidInput(reason=f"{notice.topic}: name is missing")
    fact = ShopChanged(
        shop_name=payload.name,
        currency=payload.currency,
        timezone=payload.iana_timezone,
        shopify_plan=payload.plan_display_name or payload.plan_name,
        country=payload.country_code,
    )
    return notice.facts(stream, payload.updated_at, fact)


async def _bulk_operation(
    notice: Notice, payload: webhooks.BulkOperationFinished, _resolve: Resolve
) -> list[NewEvent]:
    fact = BulkOperationFinished(
        operation=f"gid://shopify/BulkOperation/{payload.id}",
        status=payload.status and payload.status.lower(),
        error_code=payload.error_code and payload.error_code.lower(),
    )
    return notice.facts(shop_stream(notice.shop), payload.completed_at, fact)


async def _cap(
    notice: Notice, payload: webhooks.CapApproached, _resolve: Resolve
) -> list[NewEvent]:
    one = payload.app_subscription
    fact = CapApproached(
        subscription_id=f"gid://shopify/AppSubscription/{one.id}",
        balance_used=one.balance_used,
        capped_amount=one.capped_amount,
        currency=one.currency,
    )
    # `updated_at` is when the subscription was edited, and not when so much was used.
    return notice.facts(billing_stream(notice.shop), None, fact)


async def _subscription(
    notice: Notice, payload: webhooks.AppSubscriptionUpdated, _resolve: Resolve
) -> list[NewEvent]:
    one = payload.app_subscription
    fact = SubscriptionChanged(
        subscription_id=f"gid://shopify/AppSubscription/{one.id}",
        name=one.name,
        status=one.status.lower(),
        price=one.price,
        capped_amount=one.capped_amount,
        currency=one.currency,
        interval=one.interval,
        plan=one.plan_handle,
        created_at=one.created_at,
    )
    return notice.facts(billing_stream(notice.shop), one.updated_at, fact)


def _someone(person: T | None) -> T:
    if person is None:
        raise AssertionError("a Shopify id always names a person")
    return person


_Meaning = Callable[[Notice, Any, Resolve], Awaitable[list[NewEvent]]]

_MEANINGS: Final[dict[type[Webhook], _Meaning]] = {
    webhooks.Customer: _customer,
    webhooks.CustomerDeleted: _customer_deleted,
    webhooks.CustomersMerged: _customers_merged,
    webhooks.EmailConsentUpdated: _consent,
    webhooks.PurchasingSummary: _spend,
    webhooks.CustomerTags: _tags,
    orders.Order: _order,
    orders.OrderDeleted: _order_deleted,
    orders.OrderEdited: _order_edited,
    orders.FulfillmentChanged: _fulfillment,
    orders.RefundCreated: _refund,
    webhooks.ScopesUpdated: _scopes,
    webhooks.Uninstalled: _uninstalled,
    webhooks.Shop: _shop,
    webhooks.AppSubscriptionUpdated: _subscription,
    webhooks.CapApproached: _cap,
    webhooks.BulkOperationFinished: _bulk_operation,
    DataRequest: compliance.data_request,
    CustomerRedact: compliance.customer_redact,
    ShopRedact: compliance.shop_redact,
}

MAY_MEAN_NOTHING: Final = frozenset(
    {
        *("customers/merge", "customer.tags_added", "customer.tags_removed", "orders/edited"),
        "app/scopes_update",
    }
)
"""Topics of which a webhook that is read well may mean no event."""
