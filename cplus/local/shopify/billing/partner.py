"""The Partner API: what a shop has subscribed to.

Source: Shopify's page "Active subscription" of the Partner API 2026-07. `partner_2026-07.graphql`
is cut from the real schema by `python -m cplus.local.shopify.subset`.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from graphql import GraphQLError, GraphQLSchema, build_schema, execute_sync, parse, validate

from cplus.local.shopify.billing.app_events import EventLog
from cplus.local.shopify.billing.contracts import Contract, Meter, Plan, Pricing
from cplus.local.shopify.state import LocalShop

VERSION: Final = "2026-07"
SDL: Final = Path(__file__).with_name(f"partner_{VERSION}.graphql")
_ITEM: Final = """handle description
  price { active currency
    ... on FlatRatePrice { amount }
    ... on TieredPrice { tiersMode tiers { upTo amountPerUnit amount } } }
  discount { amount percentage originalDiscountCycles remainingDiscountCycles discountEndsAt }
  usage { quantity cost { amount currencyCode } }"""
ACTIVE_SUBSCRIPTION: Final = f"""query ActiveSubscription($appId: ID!, $shopId: ID!) {{
  activeSubscription(appId: $appId, shopId: $shopId) {{
    app {{ id apiKey name }} shop {{ id myshopifyDomain name }} legacySubscriptionId
    billingPeriod cancelAtEndOfCycle trialEndsAt currentBillingCycle {{ startTime endTime }}
    items {{ {_ITEM} }}
    pendingUpdate {{ billingPeriod legacySubscriptionId items {{ {_ITEM} }} }}
  }}
}}"""
"""All that the local Partner API knows."""


@cache
def partner_schema() -> GraphQLSchema:
    """The served schema."""
    return build_schema(SDL.read_text("utf-8"))


class Named(NamedTuple):
    """The app as the Partner API names it."""

    app_gid: str
    client_id: str
    name: str


def answer(
    body: object,
    *,
    app: Named,
    pricing: Pricing,
    shops: list[LocalShop],
    log: EventLog,
    now: datetime,
) -> dict[str, Any]:
    """The response to the body of a request, always with status 200."""
    given = body if isinstance(body, dict) else {}
    query, variables = given.get("query"), given.get("variables")
    schema = partner_schema()
    try:
        document = parse(query if isinstance(query, str) else "")
    except GraphQLError as error:
        return {"errors": [error.formatted]}
    if errors := validate(schema, document):
        return {"errors": [one.formatted for one in errors]}

    def active(_info: object, **asked: str) -> dict[str, Any] | None:
        if asked["appId"] != app.app_gid:
            raise GraphQLError("App not found")
        gids = {f"gid://shopify/Shop/{shop.id}": shop for shop in shops}
        shop = gids.get(asked["shopId"])
        contract = pricing.current(shop.host, now) if shop else None
        return _active(shop, contract, app, pricing, log, now) if shop and contract else None

    values = variables if isinstance(variables, dict) else {}
    root = {"activeSubscription": active}
    result = execute_sync(
        schema,
        document,
        root,
        variable_values=values,
        type_resolver=lambda one, *_: one["__typename"],
    )
    return dict(result.formatted)


def _active(
    shop: LocalShop, contract: Contract, app: Named, pricing: Pricing, log: EventLog, now: datetime
) -> dict[str, Any]:
    plan, ends = pricing.plan(contract.plan), contract.end(pricing.plan(contract.plan))
    trial = contract.in_trial(now)
    used = {} if trial else log.used(shop.host, contract.cycle_at, ends)
    cycle = {"startTime": _told(contract.cycle_at), "endTime": _told(ends)}
    pending = pricing.plan(contract.pending) if contract.pending else None
    legacy = legacy_id(contract)
    return {
        "app": {"id": app.app_gid, "apiKey": app.client_id, "name": app.name},
        "shop": {
            "id": f"gid://shopify/Shop/{shop.id}",
            "myshopifyDomain": f"https://{shop.host}",
            "name": shop.name,
        },
        "legacySubscriptionId": legacy,
        "billingPeriod": plan.interval,
        "cancelAtEndOfCycle": contract.cancel_at_end,
        "trialEndsAt": _told(contract.trial_ends_at) if trial and contract.trial_ends_at else None,
        "currentBillingCycle": None if trial else cycle,
        "items": _items(plan, used, shop.currency),
        "pendingUpdate": pending
        and {
            "billingPeriod": pending.interval,
            "legacySubscriptionId": legacy,
            "items": _items(pending, None, shop.currency),
        },
    }


def legacy_id(contract: Contract) -> str:
    """The subscription as the Admin API and webhooks know it."""
    return f"gid://shopify/AppSubscription/{contract.number}"


def _items(plan: Plan, used: dict[str, Decimal] | None, currency: str) -> list[dict[str, Any]]:
    flat = {"__typename": "FlatRatePrice", "active": True, "currency": currency}
    first = {"handle": plan.handle, "description": plan.name, "price": flat}
    flat["amount"] = _amount(plan.amount)
    return [first, *(_metered(one, used, currency) for one in plan.meters)]


def _metered(meter: Meter, used: dict[str, Decimal] | None, currency: str) -> dict[str, Any]:
    price = {"__typename": "TieredPrice", "active": True, "currency": currency}
    tiers = [
        {
            "upTo": tier.up_to,
            "amount": _amount(tier.amount),
            "amountPerUnit": _amount(tier.amount_per_unit),
        }
        for tier in meter.tiers
    ]
    quantity = (used or {}).get(meter.handle, Decimal(0))
    cost = {"amount": _amount(meter.cost(quantity)), "currencyCode": currency}
    return {
        "handle": meter.handle,
        "description": meter.description,
        "price": {**price, "tiersMode": meter.mode, "tiers": tiers},
        "usage": None if used is None else {"quantity": float(quantity), "cost": cost},
    }


def _amount(amount: Decimal) -> str:
    exact = int(amount.as_tuple().exponent) < -2
    return f"{amount:f}" if exact else f"{amount:.2f}"


def _told(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
