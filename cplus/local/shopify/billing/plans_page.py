"""Shopify's page on which a merchant chooses a plan."""

from __future__ import annotations

from html import escape

from cplus.local.shopify.billing.contracts import Contract, Plan, Pricing
from cplus.local.shopify.pages import page
from cplus.local.shopify.state import LocalShop

_PERIODS = {"EVERY_30_DAYS": "every 30 days", "ANNUAL": "a year"}


def plans_page(shop: LocalShop, pricing: Pricing, contract: Contract | None, app: str) -> str:
    """The plans, with a button for each but the one that the shop has."""
    rows = "".join(_row(shop, plan, contract) for plan in pricing.plans)
    cancel = ""
    if contract is not None and not contract.cancel_at_end:
        cancel = (
            '<form method="post"><button name="plan" value="">Cancel the plan at the end of its '
            "cycle</button></form>"
        )
    table = f"<table>{rows}</table>{cancel}" if rows else "<p>The app has no plans.</p>"
    body = f"<h1>Plans of {escape(app)}</h1><p>{escape(shop.name)} ({escape(shop.host)})</p>{table}"
    return page("Plans", body)


def _row(shop: LocalShop, plan: Plan, contract: Contract | None) -> str:
    name = escape(plan.name or plan.handle)
    price = f"{plan.amount:f} {escape(shop.currency)} {_PERIODS[plan.interval]}"
    notes = [f"{plan.trial_days} days free" if plan.trial_days else ""]
    notes += [f"and by use: {escape(one.description or one.handle)}" for one in plan.meters]
    if contract is not None and contract.pending == plan.handle:
        act = "from the next cycle on"
    elif contract is not None and contract.plan == plan.handle:
        act = "until the end of the cycle" if contract.cancel_at_end else "your plan"
    else:
        act = (
            f'<form method="post"><button name="plan" value="{escape(plan.handle)}" '
            f'aria-label="Choose {name}">Choose</button></form>'
        )
    told = "<br>".join(one for one in notes if one)
    return f"<tr><td><strong>{name}</strong><br>{told}</td><td>{price}</td><td>{act}</td></tr>"
