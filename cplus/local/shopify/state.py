"""The local Shopify's state: shops, their customers, and installs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cplus.local.shopify.billing.contracts import Pricing
from cplus.shopify.hosts import shop_host
from cplus.shopify.values import Currency, Money

Host = Annotated[str, AfterValidator(shop_host)]
EmailState = Literal["INVALID", "NOT_SUBSCRIBED", "PENDING", "SUBSCRIBED", "UNSUBSCRIBED"]
SmsState = Literal["NEVER_SUBSCRIBED", "PENDING", "REDACTED", "SUBSCRIBED", "UNSUBSCRIBED"]


SUBSCRIPTIONS: Final = "app_subscriptions/update"


class _Description(BaseModel):
    """Input from outside, so a misspelt field is an error."""

    model_config = ConfigDict(extra="forbid")


class LastOrder(_Description):
    """A customer's newest order."""

    id: int
    name: str


class LocalCustomer(_Description):
    """A customer in the Admin API."""

    id: int = Field(gt=0)
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    locale: str = "en"
    state: Literal["DECLINED", "DISABLED", "ENABLED", "INVITED"] = "DISABLED"
    tags: list[str] = Field(default_factory=list)
    note: str | None = None
    number_of_orders: int = Field(0, ge=0)
    spent: Money = "0.00"
    created_at: str = "2026-01-01T00:00:00Z"
    updated_at: str = "2026-01-01T00:00:00Z"
    email_marketing: EmailState = "NOT_SUBSCRIBED"
    email_marketing_updated_at: str | None = None
    sms_marketing: SmsState = "NEVER_SUBSCRIBED"
    last_order: LastOrder | None = None

    @property
    def display_name(self) -> str:
        """The displayed name: the name, or else the address, or else the phone."""
        name = " ".join(part for part in (self.first_name, self.last_name) if part)
        return name or self.email or self.phone or ""


class LocalShop(_Description):
    """A shop and its query budget. The budget of the smallest plan is 100 points a second."""

    host: Host
    id: int = Field(1, gt=0)
    name: str
    email: str
    currency: Currency = "USD"
    timezone: str = "America/New_York"
    admin_locale: str = "en"
    """The language in which its staff have the Admin."""
    country: str = "US"
    domain: str | None = None
    plan: str = "Basic"
    plus: bool = False
    created_at: str = "2026-01-01T00:00:00Z"
    maximum_available: float = Field(2000.0, gt=0)
    restore_rate: float = Field(100.0, gt=0)
    customers: list[LocalCustomer] = Field(default_factory=list)
    orders: list[dict[str, Any]] = Field(default_factory=list)
    """Orders as the Admin API tells them: `legacyResourceId`, `createdAt` and what is asked for."""
    generated: int = Field(0, ge=0)
    """How many more customers it has, who are made when they are asked for."""
    unlisted: list[int] = Field(default_factory=list)
    """Ids of customers of whom only webhooks told: they exist, and no list has them yet."""
    subscriptions: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Subscriptions to the app by their global id, as webhooks last told of them."""

    def keep(self, before: LocalShop) -> None:
        """Has the customers of its earlier description too: a shop loses none by being told of."""
        told = {one.id for one in self.customers}
        self.customers += [one for one in before.customers if one.id not in told]
        self.unlisted += [one for one in before.unlisted if one not in told]
        known = {one["legacyResourceId"] for one in self.orders}
        self.orders += [one for one in before.orders if one["legacyResourceId"] not in known]
        self.generated = max(self.generated, before.generated)
        self.subscriptions = {**before.subscriptions, **self.subscriptions}

    def hear(self, topic: str, payload: Mapping[str, Any]) -> None:
        """Has the customer or the subscription that a webhook tells of, or no longer."""
        if topic == SUBSCRIPTIONS:
            self._pay(payload.get("app_subscription"))
        known = _customer_of(topic, payload)
        if topic == "customers/delete":
            self.unlisted = [one for one in self.unlisted if one != known]
            self.customers = [one for one in self.customers if one.id != known]
        elif known and known not in {*self.unlisted, *(one.id for one in self.customers)}:
            self.unlisted.append(known)

    def cancelled(self, at: str) -> list[dict[str, Any]]:
        """The subscriptions that end as the app is removed, as they are told of then."""
        ended = [
            {**one, "status": "CANCELLED", "updated_at": at}
            for one in self.subscriptions.values()
            if one.get("status") in ("ACTIVE", "FROZEN")
        ]
        return [{"app_subscription": one} for one in ended]

    def _pay(self, told: object) -> None:
        if not isinstance(told, dict):
            return
        before = self.subscriptions.get(str(told.get("admin_graphql_api_id")), {})
        if str(told.get("updated_at")) >= str(before.get("updated_at", "")):
            self.subscriptions[str(told.get("admin_graphql_api_id"))] = told


def _customer_of(topic: str, payload: Mapping[str, Any]) -> int | None:
    """The customer who exists by what the webhook tells; of `customers/delete`, who does not."""
    if topic == "customers/merge":
        kept = str(payload.get("admin_graphql_api_customer_kept_id", "")).rpartition("/")[2]
        return int(kept) if kept.isdecimal() else None
    told = payload.get("customer") or {} if topic.startswith("orders/") else payload
    found = told.get("customer_id", told.get("id")) if isinstance(told, Mapping) else None
    whose = topic.startswith(("customers", "orders/")) and isinstance(found, int)
    return found if whose else None


class AccessToken(BaseModel):
    """Times are seconds since 1970; without one the token never expires."""

    expires_at: float | None
    scope: str


class RefreshToken(BaseModel):
    """`successor` is the refresh token issued for this one."""

    expires_at: float
    scope: str
    access_token: str
    successor: str | None = None


class Install(BaseModel):
    """The app on one shop: its valid tokens."""

    scope: str
    access: dict[str, AccessToken] = Field(default_factory=dict)
    refresh: dict[str, RefreshToken] = Field(default_factory=dict)


class State(BaseModel):
    """The whole state."""

    shops: dict[str, LocalShop] = Field(default_factory=dict)
    installs: dict[str, Install] = Field(default_factory=dict)
    pricing: Pricing = Field(default_factory=Pricing)


class Store:
    """The state in memory, with a snapshot in a directory so that installs survive a restart."""

    def __init__(self, directory: Path | None) -> None:
        self._file = directory / "shopify.json" if directory else None
        self.state = State()
        if self._file and self._file.exists():
            self.state = State.model_validate_json(self._file.read_bytes())

    def save(self) -> None:
        """Replaces the last snapshot, completely or not at all."""
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(self.state.model_dump_json(), encoding="utf-8")
        fresh.replace(self._file)
