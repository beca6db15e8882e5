"""Tags and views of a shop: given, when, then."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.settings import ShopSettings
from cplus.events.aggregates.tags import MAX_TAGS, MAX_VIEWS, Shown
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.tags import TagMade, ViewSaved

NOW = datetime(2026, 11, 30, 23, tzinfo=UTC)


def empty() -> ShopSettings:
    return ShopSettings.empty("settings/acorn.myshopify.com")


def make(settings: ShopSettings, tag: str = "t1", name: str = "VIP", colour: str = "red") -> None:
    settings.make_tag(tag=tag, name=name, colour=colour, person=f"person/{tag}", now=NOW)


def save(settings: ShopSettings, view: str = "v1", name: str = "Late") -> None:
    settings.save_view(view=view, name=name, shows=Shown("open"), person=f"person/{view}", now=NOW)


def then(settings: ShopSettings) -> list[str]:
    return [one.TYPE for one in settings.collect_events() if isinstance(one, AggregateEvent)]


def test_a_tag_is_made_changed_and_removed_each_once() -> None:
    settings = empty()
    for _ in range(2):
        make(settings, name="  V  I P ")
    settings.change_tag(tag="t1", name="V I P", colour="red", now=NOW)
    settings.change_tag(tag="t1", name="v i p", colour="blue", now=NOW)
    assert [*settings.tags.values()] == [("t1", "v i p", "blue")]
    for _ in range(2):
        settings.remove_tag(tag="t1", now=NOW)
    assert then(settings) == ["settings.tag_made", "settings.tag_changed", "settings.tag_removed"]
    assert settings.tags == {}
    with pytest.raises(NotFound):
        settings.change_tag(tag="t1", name="VIP", colour="red", now=NOW)


def test_all_names_of_a_shop_are_sealed_under_one_key() -> None:
    settings = empty()
    make(settings)
    make(settings, "t2", "Late")
    save(settings)
    made = settings.collect_events()
    assert {one.person for one in made if isinstance(one, TagMade | ViewSaved)} == {"person/t1"}


def test_a_view_is_saved_with_what_it_shows_by_fields() -> None:
    settings = empty()
    make(settings)
    shows = Shown("mine", "t1", "", "urgent", "2026-11-01", "2026-11-30", files=True)
    settings.save_view(view="v1", name="Late", shows=shows, person="person/v1", now=NOW)
    assert settings.views["v1"].shows == shows
    [_, saved] = settings.collect_events()
    assert isinstance(saved, ViewSaved)
    assert (saved.state, saved.tag, saved.assignee, saved.priority) == ("mine", "t1", "", "urgent")


@pytest.mark.parametrize(
    "shows", [Shown("open", tag="t9"), Shown("open", since="My neighbour"), Shown("open", until="")]
)
def test_a_view_shows_tags_and_days_that_there_are(shows: Shown) -> None:
    settings = empty()
    with pytest.raises(InvalidInput):
        settings.save_view(view="v1", name="Late", shows=shows, person="person/v1", now=NOW)
    assert settings.views == {}


@pytest.mark.parametrize(
    ("name", "colour"), [("", "red"), ("x" * 41, "red"), ("a\x07b", "red"), ("VIP", "pink")]
)
def test_a_name_and_a_colour_must_be_ones(name: str, colour: str) -> None:
    with pytest.raises(InvalidInput):
        make(empty(), name=name, colour=colour)


def test_two_tags_and_two_views_never_have_one_name() -> None:
    settings = empty()
    make(settings)
    make(settings, "t2", "Late")
    save(settings)
    with pytest.raises(InvalidInput, match="already"):
        make(settings, "t3", "vip")
    with pytest.raises(InvalidInput, match="already"):
        settings.change_tag(tag="t2", name="vip", colour="red", now=NOW)
    with pytest.raises(InvalidInput, match="already"):
        save(settings, "v2", "LATE")


def test_there_are_not_too_many() -> None:
    settings = empty()
    for n in range(MAX_TAGS):
        make(settings, f"t{n}", f"Tag {n}")
    for n in range(MAX_VIEWS):
        save(settings, f"v{n}", f"View {n}")
    with pytest.raises(InvalidInput, match="up to 100 tags"):
        make(settings, "more", "More")
    with pytest.raises(InvalidInput, match="up to 30 saved views"):
        save(settings, "more", "More")


def test_an_erased_shop_has_none_any_more() -> None:
    settings = empty()
    make(settings)
    save(settings)
    settings.forget()
    assert (settings.tags, settings.views, settings.sealed_as) == ({}, {}, "")
