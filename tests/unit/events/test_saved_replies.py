"""The saved replies of a shop."""

from __future__ import annotations

from typing import Any

import pytest

from cplus.commands.saved_replies import found
from cplus.errors import InvalidInput
from cplus.events.aggregates.saved_replies import MAX_SAVED_REPLIES, MAX_TEXT, SavedReplies
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.saved_replies import ReplySaved
from tests.samples import NOW


def empty() -> SavedReplies:
    return SavedReplies.empty("saved_replies/acorn.myshopify.com")


def save(
    saved: SavedReplies,
    id_: str = "r1",
    name: str = "Hello",
    text: str = "Hi {{customer.name|there}}",
    author: str = "7",
    seen: int | None = None,
) -> None:
    there = saved.replies.get(id_)
    if seen is None:
        seen = there.revision if there else 0
    told: dict[str, Any] = {"author": author, "person": f"person/{id_}", "now": NOW}
    saved.save(reply=id_, name=name, text=text, seen=seen, **told)


def then(saved: SavedReplies) -> list[str]:
    return [one.TYPE for one in saved.collect_events() if isinstance(one, AggregateEvent)]


def test_a_reply_is_saved_changed_and_removed_each_once() -> None:
    saved = empty()
    for _ in range(2):
        save(saved, text="Hi\r\nthere ")
    save(saved, text="Hi\nall", author="8")
    one = saved.replies["r1"]
    assert (one.text, one.revision, one.author, one.changed_by) == ("Hi\nall", 2, "7", "8")
    for _ in range(2):
        saved.remove(reply="r1", now=NOW)
    assert then(saved) == ["saved_replies.saved"] * 2 + ["saved_replies.removed"]
    assert saved.replies == {}


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        (" ", "Hi", "write a name"),
        ("hello", "Hi", "already"),
        ("New", " \n", "write a text"),
        ("New", "x" * (MAX_TEXT + 1), "up to 5,000 characters"),
        ("New", "Hi {{customer.nam}}", "no placeholder"),
        ("New", "Hi {{customer.name", "must be closed"),
    ],
)
def test_what_cannot_be_saved_is_refused_with_words(name: str, text: str, reason: str) -> None:
    saved = empty()
    save(saved)
    saved.collect_events()
    with pytest.raises(InvalidInput, match=reason):
        save(saved, "r2", name, text)
    assert then(saved) == []


def test_who_saw_another_revision_replaces_nothing_but_the_same_words() -> None:
    saved = empty()
    save(saved, text="One")
    save(saved, text="One", seen=0)
    with pytest.raises(InvalidInput, match="with other words meanwhile"):
        save(saved, text="Two", seen=0)
    saved.remove(reply="r1", now=NOW)
    with pytest.raises(InvalidInput, match="somebody removed it"):
        save(saved, text="Two", seen=1)
    assert then(saved) == ["saved_replies.saved", "saved_replies.removed"]


def test_there_are_not_too_many() -> None:
    saved = empty()
    for number in range(MAX_SAVED_REPLIES):
        save(saved, f"r{number}", f"Reply {number}")
    with pytest.raises(InvalidInput, match="up to 200 saved replies"):
        save(saved, "more", "More")
    save(saved, "r1", "Renamed")


def test_what_was_saved_before_the_shop_was_erased_is_gone_and_has_another_key() -> None:
    saved = empty()
    save(saved)
    saved.collect_events()
    saved.forget()
    save(saved, "r2")
    [event] = saved.collect_events()
    assert isinstance(event, ReplySaved)
    assert (event.anew, event.person, list(saved.replies)) == (True, "person/r2", ["r2"])


def test_the_nearest_name_is_found_first() -> None:
    saved = empty()
    save(saved, "a", "Your order", "It is on its way")
    save(saved, "b", "Order late", "Sorry")
    save(saved, "c", "Anything else", "About your ORDER")
    assert [one.id for one in found(saved, "order")] == ["b", "a", "c"]
    assert [one.id for one in found(saved, "way order")] == ["a"]
    assert [one.id for one in found(saved, "")] == ["c", "b", "a"]
    assert found(saved, "jam") == []
