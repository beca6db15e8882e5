"""Payloads that lack fields, or have others, or hold odd things: each is read, or refused with a
reason that names a field; nothing else ever happens, and what is not read never matters."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cplus.errors import InvalidInput
from cplus.events.base import NewEvent
from cplus.shopify.webhooks import PAYLOADS
from tests.shopify_samples import SAMPLES
from tests.unit.consumers.webhooks.telling import People, told
from tests.unit.shopify.app_toml import read_fields

SAYS_NOTHING: Final = {"orders/edited", "customers/merge"}
"""Topics whose samples mean no event: an edit's outcome comes with `orders/updated`, and the merge
of the sample has failed."""

NEEDED: Final = {
    *("id", "order_id", "customer_id", "customerId", "admin_graphql_api_id", "numberOfOrders"),
    *("currency", "total_price", "current_total_price", "name", "status", "state", "amount"),
    *("admin_graphql_api_customer_kept_id", "admin_graphql_api_customer_deleted_id"),
    *("email_marketing_consent", "app_subscription", "order_edit", "customer", "data_request"),
    *("shop_id", "shop_domain", "email", "current"),
}
"""Fields without which a payload of one topic or another says nothing."""


async def meant(topic: str, payload: Any) -> list[NewEvent] | str:
    """The events, or the reason why there are none."""
    try:
        return await told(topic, payload, People())
    except InvalidInput as error:
        return str(error.values["reason"])


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each field of a payload is."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in inner:
        yield (*place, name)
        if isinstance(one, dict | list):
            yield from places(one, (*place, name))


def changed(payload: Any, place: tuple[Any, ...], *value: Any) -> Any:
    """The payload with another value there, or with none."""
    after = copy.deepcopy(payload)
    target = after
    for name in place[:-1]:
        target = target[name]
    if value:
        target[place[-1]] = value[0]
    else:
        del target[place[-1]]
    return after


def is_read(topic: str, place: tuple[Any, ...]) -> bool:
    name = ".".join(part for part in place if isinstance(part, str))
    return any(f"{field}.".startswith(f"{name}.") for field in read_fields(PAYLOADS[topic]))


@pytest.mark.parametrize("topic", sorted(PAYLOADS))
async def test_any_field_may_be_missing_or_null(topic: str) -> None:
    for place in places(SAMPLES[topic]):
        for payload in (changed(SAMPLES[topic], place), changed(SAMPLES[topic], place, None)):
            found = await meant(topic, payload)
            if isinstance(found, str):
                assert place[-1] in NEEDED, f"{topic} without {place}: {found}"
            elif topic not in SAYS_NOTHING:
                assert found or place[0] == "tags", f"{topic} without {place} means nothing"


@pytest.mark.parametrize("topic", sorted(PAYLOADS))
async def test_what_is_not_read_may_hold_anything(topic: str) -> None:
    whole = await meant(topic, SAMPLES[topic])
    assert not isinstance(whole, str)
    for place in places(SAMPLES[topic]):
        if not is_read(topic, place):
            for odd in (7, "x", [], {"id": "\ud800"}, True, 1e400, [[{"\0": None}]]):
                assert await meant(topic, changed(SAMPLES[topic], place, odd)) == whole, place


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(PAYLOADS)), st.data())
async def test_whatever_stands_anywhere_it_is_read_or_refused_by_the_name_of_a_field(
    topic: str, data: st.DataObject
) -> None:
    payload = SAMPLES[topic]
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(sorted(places(payload), key=str) or [("extra",)]))
        payload = changed(payload, place, data.draw(ODD))
    payload = {**payload, **data.draw(st.dictionaries(st.text(min_size=1), ODD, max_size=2))}
    found = await meant(topic, payload)
    if isinstance(found, str):
        assert found.startswith(f"{topic}: ")
