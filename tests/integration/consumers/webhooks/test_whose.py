"""What is told of one shop changes no other one: a webhook's headers are not signed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from cplus.aws import Aws
from cplus.consumers.scheduled.shop_ids import learn_shop_ids
from cplus.consumers.webhooks.deliveries import TRIES
from cplus.consumers.webhooks.drafting import Webhooks
from cplus.consumers.webhooks.record import handle
from cplus.consumers.webhooks.whose import (
    ANOTHERS,
    BY_ANOTHER_HOST,
    OF_ANOTHER_TOPIC,
    UNNAMED,
    UNTOLD,
)
from cplus.events.reasons import Reason
from cplus.local.shopify import LocalShopify
from cplus.shopify.oauth import Tokens
from tests.integration.consumers.webhooks.installed_app import (
    ID,
    SHOP,
    commits,
    installed_app,
    told,
)
from tests.integration.intake import Intake, intake, soon

CLOSED = "a-closed-shop.myshopify.com"
SOME_TOKENS = Tokens(access_token="void", scope="read_customers")
NEVER = "never-installed.myshopify.com"


@pytest.fixture(scope="module")
async def shared(mongo_uri: str, aws: Aws, shopify: LocalShopify) -> AsyncIterator[Intake]:
    async with intake(mongo_uri, aws, origin=shopify.origin) as made:
        yield made


@pytest.fixture
async def webhooks(shared: Intake, shopify: LocalShopify) -> Webhooks:
    return await installed_app(shared, shopify)


def shop(number: int, host: str | None = None) -> tuple[str, Any]:
    return "shop/update", {"id": number, "name": "Red Tea", "myshopify_domain": host}


def subscription(number: int | None) -> tuple[str, Any]:
    one = {
        "admin_graphql_api_id": "gid://shopify/AppSubscription/9",
        "name": "Pro",
        "status": "CANCELLED",
        **({"admin_graphql_api_shop_id": f"gid://shopify/Shop/{number}"} if number else {}),
    }
    return "app_subscriptions/update", {"app_subscription": one}


def data_request(number: int) -> tuple[str, Any]:
    customer = {"id": 7, "email": "ann@example.com"}
    body = {"shop_id": number, "customer": customer, "data_request": {"id": 9999}}
    return "customers/data_request", body


CHANGES = {
    "customers/data_request": "privacy.data_requested",
    "shop/update": "shop.changed",
    "app_subscriptions/update": "billing.subscription_changed",
}


@pytest.mark.parametrize(
    "webhook",
    [shop(999), subscription(999), data_request(999), shop(ID, "red-tea.myshopify.com")],
)
async def test_what_names_another_shop_changes_nothing(
    webhooks: Webhooks, webhook: tuple[str, Any]
) -> None:
    assert await handle([told(*webhook)], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert (commit.types, commit.reason) == ([], ANOTHERS.words)


def compliance(topic: str, **fields: Any) -> tuple[str, Any]:
    return topic, {"shop_id": ID, "shop_domain": SHOP, "customer": {"id": 7}, **fields}


@pytest.mark.parametrize(
    "webhook",
    [
        compliance("customers/redact", data_request={"id": 9}, orders_requested=[1]),
        compliance("shop/redact", data_request={"id": 9}, orders_requested=[1]),
        compliance("customers/data_request", orders_to_redact=[1]),
        compliance("shop/redact", orders_to_redact=[1]),
    ],
)
async def test_a_body_that_was_signed_for_another_topic_neither_erases_nor_asks(
    webhooks: Webhooks, webhook: tuple[str, Any]
) -> None:
    assert await handle([told(*webhook)], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert (commit.types, commit.reason) == ([], OF_ANOTHER_TOPIC.words)


@pytest.mark.parametrize("webhook", [shop(ID), subscription(ID), data_request(ID), shop(1, SHOP)])
async def test_what_names_this_shop_counts(webhooks: Webhooks, webhook: tuple[str, Any]) -> None:
    assert await handle([told(*webhook)], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert commit.types == [CHANGES[webhook[0]]]


RENAMED = "blue-jam-2.myshopify.com"


async def test_a_shop_that_comes_by_another_host_is_noted_once_and_loses_nothing(
    webhooks: Webhooks, shared: Intake
) -> None:
    assert await shared.parts.shop_id(SHOP) == ID
    with capture_logs() as said:
        for number in range(2):
            came = told(*shop(ID, RENAMED), shop=RENAMED, webhook_id=f"w-{number}")
            assert await handle([came], webhooks, soon()) == []
        # Its own news is told of the first host too, and tells nothing new.
        again = told(*shop(ID, SHOP), webhook_id="w-3")
        assert await handle([again], webhooks, soon()) == []
    noted = [one for one in said if one["event"] == "shop_has_another_host"]
    assert [(one["shop"], one["before"], one["shop_id"]) for one in noted] == [(RENAMED, SHOP, ID)]
    [one] = await shared.parts.shop_ids.renamed(9)
    assert (one.shop, one.before, one.shop_id) == (RENAMED, SHOP, ID)
    assert [commit.types for commit in await commits(webhooks, RENAMED)] == [["shop.changed"]] * 2
    assert [commit.types for commit in await commits(webhooks)] == [["shop.changed"]]


async def test_an_id_alone_that_is_known_by_another_host_means_nothing_and_is_told_apart(
    webhooks: Webhooks, shared: Intake
) -> None:
    assert await shared.parts.shop_id(SHOP) == ID
    with capture_logs() as said:
        for number, shop_id in enumerate((ID, 999)):
            came = told(*subscription(shop_id), shop=RENAMED, webhook_id=f"w-{number}")
            assert await handle([came], webhooks, soon()) == []
    reasons = [commit.reason for commit in await commits(webhooks, RENAMED)]
    assert reasons == [BY_ANOTHER_HOST.words, UNTOLD.words]
    assert "shop_has_another_host" in {one["event"] for one in said}
    # The headers are not signed: whoever sends them can name any host.
    assert await shared.parts.shop_ids.renamed(9) == []


async def test_an_app_that_is_opened_by_another_host_of_a_known_shop_says_so(
    webhooks: Webhooks, shared: Intake
) -> None:
    assert await shared.parts.shop_id(SHOP) == ID
    ids = shared.parts.shop_ids
    await ids.remember(RENAMED, ID)
    await ids.remember(SHOP, ID)
    await ids.remember("red-tea.myshopify.com", 999)
    assert [(one.shop, one.before) for one in await ids.renamed(9)] == [(RENAMED, SHOP)]


async def test_what_is_told_after_the_app_was_removed_is_compared_with_what_was_known(
    webhooks: Webhooks, shopify: LocalShopify
) -> None:
    assert await handle([told(*subscription(ID))], webhooks, soon()) == []
    shopify.grants.revoke(SHOP)  # nobody can be asked any more
    late = [told(*subscription(number), webhook_id=f"w-{number}") for number in (ID, 999)]
    assert await handle(late, webhooks, soon()) == []
    _, own, another = await commits(webhooks)
    assert own.types == ["billing.subscription_changed"]
    assert (another.types, another.reason) == ([], ANOTHERS.words)


async def test_ids_of_shops_from_before_they_were_kept_are_learned_while_they_can_be_asked(
    shared: Intake, webhooks: Webhooks, shopify: LocalShopify
) -> None:
    parts = shared.parts

    async def learn() -> list[str]:
        return await learn_shop_ids(
            parts.credentials, parts.granting.ids, parts.shop_id, deadline=soon(), side_by_side=2
        )

    await parts.credentials.save(CLOSED, SOME_TOKENS)
    shopify.fail_next(SHOP, 423)
    assert await learn() == []
    assert await learn() == [SHOP]  # and the one that takes no tokens holds it up neither time
    assert await learn() == []
    shopify.grants.revoke(SHOP)
    assert await handle([told(*subscription(ID))], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert commit.types == ["billing.subscription_changed"]


@pytest.mark.parametrize(
    ("webhook", "host", "reason"),
    [
        (subscription(None), SHOP, UNNAMED),
        (subscription(ID), NEVER, UNTOLD),
        (shop(ID), NEVER, UNTOLD),
    ],
)
async def test_what_cannot_be_told_is_not_believed(
    webhooks: Webhooks, webhook: tuple[str, Any], host: str, reason: Reason
) -> None:
    assert await handle([told(*webhook, shop=host)], webhooks, soon()) == []
    [commit] = await commits(webhooks, host)
    assert (commit.types, commit.reason, commit.code) == ([], reason.words, reason.code)


async def test_while_shopify_does_not_tell_it_comes_back_and_is_recorded_at_last(
    webhooks: Webhooks, shopify: LocalShopify
) -> None:
    for receives in range(1, TRIES):
        shopify.fail_next(SHOP, 423)
        assert await handle([told(*shop(ID), receives=receives)], webhooks, soon()) == ["m"]
    assert await commits(webhooks) == []
    shopify.fail_next(SHOP, 423)
    assert await handle([told(*shop(ID), receives=TRIES)], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert (commit.types, commit.reason) == ([], UNTOLD.words)
