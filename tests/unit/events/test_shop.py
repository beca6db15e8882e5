"""The shop's decisions: which grants of a merchant begin an installation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cplus.events.aggregates.shop import Shop
from cplus.events.base import AggregateEvent

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
READ = ("read_customers", "read_orders")


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def grant(
    shop: Shop, minutes: int, *, scopes: tuple[str, ...] = READ, void: int | None = None
) -> list[str]:
    """What the grant decides; `void` is the minute at which the one before held no longer."""
    void_at = None if void is None else at(void)
    shop.install(scopes=scopes, shop_name="Acorn", void_at=void_at, now=at(minutes))
    return [event.TYPE for event in shop.collect_events() if isinstance(event, AggregateEvent)]


def installed(minutes: int = 0) -> Shop:
    shop = Shop.empty("shop/acorn.myshopify.com")
    assert grant(shop, minutes) == ["app.installed"]
    return shop


def test_a_grant_that_repeats_the_one_before_decides_nothing() -> None:
    shop = installed()
    assert grant(shop, 1) == []
    assert grant(shop, 2, scopes=("read_orders", "read_customers")) == []
    assert shop.version == 1


def test_other_scopes_are_another_install() -> None:
    shop = installed()
    assert grant(shop, 1, scopes=("read_customers",)) == ["app.installed"]
    assert grant(shop, 2) == ["app.installed"]


def test_a_grant_of_the_scopes_to_which_the_merchant_changed_it_decides_nothing() -> None:
    shop = installed()
    more = (*READ, "read_fulfillments")
    for scopes, installs in ((more, 0), (READ, 1)):
        shop.install(scopes=scopes, changed=more, shop_name="Acorn", void_at=None, now=at(1))
        assert len(list(shop.collect_events())) == installs


def test_a_grant_after_the_one_before_was_void_installs_once() -> None:
    shop = installed()
    assert grant(shop, 9, void=5) == ["app.installed"]
    assert grant(shop, 10, void=5) == []


def test_news_from_before_the_install_voids_nothing() -> None:
    assert grant(installed(7), 9, void=5) == []


def test_a_shop_that_was_removed_before_it_was_ever_installed_here_installs() -> None:
    shop = Shop.empty("shop/acorn.myshopify.com")
    assert grant(shop, 1, void=0) == ["app.installed"]


grants = st.lists(
    st.tuples(st.sampled_from([READ, READ[:1], ()]), st.none() | st.integers(-3, 12)), max_size=12
)


@given(grants)
def test_whatever_is_granted_it_ends_installed_with_the_last_scopes_and_reads_back_alike(
    told: list[tuple[tuple[str, ...], int | None]],
) -> None:
    made = Shop.empty("shop/acorn.myshopify.com")
    decided: list[object] = []
    for minutes, (scopes, void) in enumerate(told):
        void_at = None if void is None else at(void)
        made.install(scopes=scopes, shop_name="Acorn", void_at=void_at, now=at(minutes))
        assert made.scopes == frozenset(scopes)
        decided += made.collect_events()
        made.install(scopes=scopes, shop_name="Acorn", void_at=None, now=at(minutes))
        assert made.collect_events() == []
    read = Shop.empty("shop/acorn.myshopify.com")
    for event in decided:
        assert isinstance(event, AggregateEvent)
        event.mutate(read)
    assert vars(read) == vars(made)


def erased(shop: Shop, asked: int, minutes: int) -> list[str]:
    """What the erasure that was asked for in that minute decides."""
    shop.erase(erasure="e1", asked_at=at(asked), now=at(minutes))
    return [event.TYPE for event in shop.collect_events() if isinstance(event, AggregateEvent)]


def test_a_shop_is_erased_and_then_installs_the_app_anew() -> None:
    shop = installed()
    assert erased(shop, 5, 6) == ["privacy.shop_erased"]
    assert shop.erased
    assert grant(shop, 7) == ["app.installed"]
    assert not shop.erased


def test_a_shop_that_installed_the_app_since_is_not_erased() -> None:
    shop = installed()
    assert grant(shop, 5, void=4) == ["app.installed"]
    assert erased(shop, 3, 6) == []
    assert erased(shop, 5, 7) == ["privacy.shop_erased"]
