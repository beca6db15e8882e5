"""What the keyring keeps in memory is bounded, in number and in time."""

from __future__ import annotations

from cplus.privacy.keyring.cache import Cache


def test_what_was_asked_for_last_is_kept() -> None:
    cache = Cache[str, int](2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert [cache.get(name) for name in "abc"] == [1, None, 3]
    assert len(cache) == 2


def test_a_value_is_forgotten_when_its_time_is_over() -> None:
    now = 0.0
    cache = Cache[str, int](2, 60.0, now=lambda: now)
    cache.put("a", 1)
    now = 60.0
    assert cache.get("a") == 1
    now = 60.1
    assert cache.get("a") is None
    assert len(cache) == 0


def test_a_value_that_is_dropped_is_gone() -> None:
    cache = Cache[str, int](2)
    cache.put("a", 1)
    cache.drop("a")
    cache.drop("never there")
    assert cache.get("a") is None
