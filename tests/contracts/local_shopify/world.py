"""Shops, customers, and the ways of this app, for the tests of the local Shopify."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from cplus.local.shopify import LocalCustomer, LocalShop, LocalShopify
from cplus.shopify import (
    AdminClient,
    App,
    Tokens,
    authorize_url,
    exchange_code,
)

SHOP = "blue-jam.myshopify.com"
OTHER = "red-tea.myshopify.com"
SECRET = "shpss_0123456789abcdef0123456789abcdef"


def customer(number: int) -> LocalCustomer:
    return LocalCustomer(
        id=1000 + number,
        first_name=f"First{number}",
        last_name="Sample",
        email=f"person{number}@example.com" if number % 3 else None,
        phone="+15550100" if number % 2 else None,
        tags=["vip"] if number % 10 == 0 else [],
        number_of_orders=number % 4,
        spent=f"{number}.50",
    )


def local_shop(host: str, customers: int = 0, **given: Any) -> LocalShop:
    people = [customer(number) for number in range(customers)]
    return LocalShop(
        host=host, name="Blue Jam", email="owner@jam.example.com", customers=people, **given
    )


async def consent(http: httpx.AsyncClient, shopify: LocalShopify, app: App) -> dict[str, str]:
    """Goes through the consent page as a person does; answers the redirect's query."""
    url = authorize_url(app, SHOP, f"{shopify.app_url}/auth/callback", "a-state")
    page = await http.get(url)
    assert page.status_code == 200
    assert '<button type="submit">' in page.text
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text)
    answer = await http.post(url, data={name: unescape(value) for name, value in fields})
    assert answer.status_code == 303
    target = urlsplit(answer.headers["location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == (f"{shopify.app_url}/auth/callback")
    return dict(parse_qsl(target.query, strict_parsing=True))


async def install(http: httpx.AsyncClient, shopify: LocalShopify, app: App) -> Tokens:
    query = await consent(http, shopify, app)
    return await exchange_code(http, app, SHOP, query["code"])


def admin(http: httpx.AsyncClient, shopify: LocalShopify, token: str) -> AdminClient:
    return AdminClient(http, shopify.origin, "2026-10", SHOP, token)
