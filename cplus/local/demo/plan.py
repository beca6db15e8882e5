"""What the demo sends, and its expected results, all generated from a seed.

A plan is data. The same sizes, seed and run give the same plan, down to the ids of webhooks and
mails; another run over the same directory gives other people and other ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from cplus.local.demo.payloads import iso

BASE: Final = datetime(2026, 11, 2, 8, tzinfo=UTC)
"""Default time of the demo's facts."""

INSTALLED: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""The moment of the installation in a plan, which is made before it: see `dated`."""

SPAN: Final = timedelta(days=4)
"""Within it after the base lie all facts of a plan of a usual size."""

_THEN: Final = f"{INSTALLED.year}-"

StepKind = Literal["form", "mail", "answer", "reply", "away", "report", "close", "webhook"]
"""`form` and `mail` come from the shopper to the shop's address; `answer` and `close` are the
merchant's; `reply`, `away` (an absence note) and `report` (of the mail system) come to the
Reply-To of the merchant's last mail; `webhook` is told by Shopify once all before was seen."""

INBOUND: Final = frozenset({"form", "mail", "reply", "away"})
"""The steps that are messages of the conversation."""


@dataclass(frozen=True)
class Sizes:
    """The size of the demo. `customers` and `conversations` are totals over all shops."""

    shops: int = 3
    customers: int = 300
    conversations: int = 200
    seed: int = 1


@dataclass(frozen=True)
class Webhook:
    """A webhook, and how often Shopify delivers it: attempts after the first are repeats."""

    shop: str
    topic: str
    payload: Mapping[str, Any]
    webhook_id: str
    event_id: str
    triggered_at: str
    attempts: int = 1

    @property
    def since_installed(self) -> bool:
        """Whether it tells of something that happened once the app was installed."""
        return self.triggered_at >= iso(INSTALLED)


def dated(webhook: Webhook, installed_at: datetime) -> Webhook:
    """The webhook as it is told by a shop that installed the app at that moment: each time since
    `INSTALLED` is that much after it."""

    def moved(told: Any) -> Any:
        if isinstance(told, Mapping):
            return {name: moved(value) for name, value in told.items()}
        if isinstance(told, list):
            return [moved(value) for value in told]
        if isinstance(told, str) and told.startswith(_THEN):
            return iso(datetime.fromisoformat(told) - INSTALLED + installed_at)
        return told

    if not webhook.since_installed:
        return webhook
    at = moved(webhook.triggered_at)
    return replace(webhook, payload=moved(webhook.payload), triggered_at=at)


@dataclass(frozen=True)
class Step:
    """One thing that happens in a conversation, after all that stand before it."""

    kind: StepKind
    text: str = ""
    ses_id: str = ""
    """SES's id of a mail that comes in: delivered twice under it, it is the same mail."""
    twice: bool = False
    """The form is sent twice at once."""
    webhook: Webhook | None = None


@dataclass(frozen=True)
class Talk:
    """A conversation: who begins it, and what happens in it."""

    shop: str
    name: str
    address: str
    subject: str
    """Of who begins by mail; Shopify gives its own to a form."""
    steps: tuple[Step, ...]

    @property
    def ends_open(self) -> bool:
        """Whether it is open at the end: a person's message reopens what was closed."""
        state = True
        for step in self.steps:
            if step.kind == "close":
                state = False
            elif step.kind in {"form", "mail", "reply", "answer"}:
                state = True
        return state


@dataclass(frozen=True)
class Stray:
    """A mail to the shop that starts no conversation."""

    kind: Literal["away", "spam"]
    name: str
    address: str
    ses_id: str


@dataclass(frozen=True)
class Expected:
    """The expected results for one shop."""

    deliveries_sent: int
    """Distinct attempts: shop, topic, webhook id, attempt."""
    deliveries_recorded: int
    """Distinct webhooks, each one commit."""
    redeliveries_recognised: int
    conversations: int
    conversations_open: int
    messages_in: int
    messages_out: int
    customers: int
    """Persons with a customer in Shopify that is not deleted; merged ones count once."""
    leads: int
    mails_received: int
    """Mails recorded, those among them that mean nothing."""
    mails_sent: int
    mails_bounced: int
    joined: int
    """Persons that were two in the log for certain; others may be, by chance of order."""


@dataclass(frozen=True)
class ShopPlan:
    """Everything that happens in one shop."""

    host: str
    description: Mapping[str, Any]
    """The shop with the customers that Shopify knows before the install."""
    early: tuple[Webhook, ...]
    """Sent before the app is installed."""
    webhooks: tuple[Webhook, ...]
    """Told side by side with the import and the mail, in this order, which is not that of the
    facts."""
    late: tuple[Webhook, ...]
    """Sent after everything else, delayed."""
    talks: tuple[Talk, ...]
    strays: tuple[Stray, ...]
    expected: Expected
    notes: Mapping[int, str] = field(default_factory=dict)
    """The note that each updated customer must have at last, by Shopify's id."""
    consents: Mapping[int, str] = field(default_factory=dict)
    """The consent that each customer who was asked must have at last."""


@dataclass(frozen=True)
class Plan:
    """Everything that happens."""

    sizes: Sizes
    run: int
    shops: tuple[ShopPlan, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        """The shops' hosts."""
        return tuple(shop.host for shop in self.shops)


def expected_of(
    webhooks: tuple[Webhook, ...],
    talks: tuple[Talk, ...],
    strays: tuple[Stray, ...],
    *,
    customers: int,
    leads: int,
    joined: int,
) -> Expected:
    """The expected results of these inputs."""
    steps = [step for talk in talks for step in talk.steps]
    told = [*webhooks, *(step.webhook for step in steps if step.webhook)]
    answers = sum(step.kind == "answer" for step in steps)
    received = sum(step.kind in INBOUND for step in steps)
    bounced = sum(
        step.kind == "answer"
        for talk in talks
        if talk.address.startswith("bounce+")
        for step in talk.steps
    )
    return Expected(
        deliveries_sent=sum(webhook.attempts for webhook in told),
        deliveries_recorded=len(told),
        redeliveries_recognised=sum(webhook.attempts - 1 for webhook in told),
        conversations=len(talks),
        conversations_open=sum(talk.ends_open for talk in talks),
        messages_in=received,
        messages_out=answers,
        customers=customers,
        leads=leads,
        mails_received=received + sum(step.kind == "report" for step in steps) + len(strays),
        mails_sent=answers,
        mails_bounced=bounced,
        joined=joined,
    )
