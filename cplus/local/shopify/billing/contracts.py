"""Plans, and which of them each shop has.

Source: Shopify's pages on Shopify App Pricing. An upgrade counts at once and begins a cycle; a
downgrade and a cancellation wait for the end of the cycle.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

DAYS: Final = {"EVERY_30_DAYS": 30, "ANNUAL": 365}
Amount = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=4)]


class _Described(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Tier(_Described):
    """A part of a meter's scale; the last one has no upper bound."""

    up_to: int | None = Field(None, gt=0)
    amount: Amount = Decimal(0)
    amount_per_unit: Amount = Decimal(0)


def _bounded(tiers: list[Tier]) -> list[Tier]:
    bounds = [tier.up_to for tier in tiers]
    given = [one for one in bounds[:-1] if one is not None]
    if not bounds or bounds[-1] is not None or len(given) + 1 != len(bounds):
        raise ValueError("each tier but the last has an upper bound")
    if given != sorted(set(given)):
        raise ValueError("the upper bounds rise")
    return tiers


class Meter(_Described):
    """What is paid for by use: app events with this handle are counted."""

    handle: str = Field(min_length=1)
    description: str = ""
    mode: Literal["GRADUATED", "VOLUME"] = "GRADUATED"
    tiers: Annotated[list[Tier], AfterValidator(_bounded)]

    def cost(self, quantity: Decimal) -> Decimal:
        """What so much costs in a cycle."""
        total, below = Decimal(0), Decimal(0)
        for tier in self.tiers:
            last = tier.up_to is None or quantity <= tier.up_to
            if self.mode == "VOLUME" and last:
                return tier.amount + quantity * tier.amount_per_unit if quantity else Decimal(0)
            if self.mode == "GRADUATED" and quantity > below:
                part = (quantity if last else Decimal(tier.up_to or 0)) - below
                total += tier.amount + part * tier.amount_per_unit
            if last:
                break
            below = Decimal(tier.up_to or 0)
        return total


class Plan(_Described):
    """A plan of the app."""

    handle: str = Field(min_length=1)
    name: str = ""
    amount: Amount = Decimal(0)
    interval: Literal["EVERY_30_DAYS", "ANNUAL"] = "EVERY_30_DAYS"
    trial_days: int = Field(0, ge=0)
    meters: list[Meter] = Field(default_factory=list)
    capped_amount: Amount | None = None
    """Near to which the app is told, of what all of its meters cost in a cycle."""

    def usage_cost(self, used: Mapping[str, Decimal]) -> Decimal:
        """What all of its meters cost in a cycle."""
        return sum((one.cost(used.get(one.handle, Decimal(0))) for one in self.meters), Decimal(0))


class Contract(_Described):
    """A shop's subscription to a plan."""

    number: int
    plan: str
    began_at: datetime
    trial_ends_at: datetime | None = None
    cycle_at: datetime
    """When its current cycle began; in its trial, when the first begins."""
    pending: str | None = None
    """The plan from the next cycle on."""
    cancel_at_end: bool = False
    ended_at: datetime | None = None
    told_cap: datetime | None = None
    """The beginning of the cycle in which the app was told that the cap is near."""

    def end(self, plan: Plan) -> datetime:
        """When the current cycle ends."""
        return self.cycle_at + timedelta(days=DAYS[plan.interval])

    def in_trial(self, now: datetime) -> bool:
        """Whether the trial is not over."""
        return self.trial_ends_at is not None and now < self.trial_ends_at


class Pricing(_Described):
    """The app's plans, and the contracts by shop."""

    plans: list[Plan] = Field(default_factory=list)
    welcome: str = "/billing"
    """The page of the app to which a merchant comes who chose a plan."""
    contracts: dict[str, Contract] = Field(default_factory=dict)
    made: int = 0

    def plan(self, handle: str) -> Plan:
        """Raises KeyError."""
        return {one.handle: one for one in self.plans}[handle]

    def meters(self) -> set[str]:
        """The handles of all meters."""
        return {meter.handle for plan in self.plans for meter in plan.meters}

    def current(self, host: str, now: datetime) -> Contract | None:
        """The shop's contract, after the cycles that are over; None without one in force."""
        contract = self.contracts.get(host)
        if contract is None or contract.ended_at is not None:
            return None
        while now >= (ends := contract.end(self.plan(contract.plan))):
            if not self.renew(host, ends):
                return None
        return contract

    def renew(self, host: str, at: datetime) -> bool:
        """The cycle ends. Whether another begins."""
        contract = self.contracts[host]
        if contract.cancel_at_end:
            contract.ended_at = at
            return False
        contract.plan, contract.pending = contract.pending or contract.plan, None
        contract.cycle_at = at
        return True

    def choose(self, host: str, handle: str, now: datetime) -> Contract:
        """The merchant approves a plan. Raises KeyError."""
        plan, before = self.plan(handle), self.current(host, now)
        if before is not None and plan.amount < self.plan(before.plan).amount:
            before.pending, before.cancel_at_end = handle, False
            return before
        if before is not None and before.plan == handle:
            before.pending, before.cancel_at_end = None, False
            return before
        self.made += 1
        # A trial is for who had no plan before.
        days = plan.trial_days if host not in self.contracts else 0
        begins = now + timedelta(days=days)
        made = Contract(number=self.made, plan=handle, began_at=now, cycle_at=begins)
        made.trial_ends_at = begins if days else None
        self.contracts[host] = made
        return made


def moment(seconds: float) -> datetime:
    """A time of a clock that counts seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
