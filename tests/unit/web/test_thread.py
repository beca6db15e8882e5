"""How much of a thread a page shows."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from cplus.projections.queries import FileView, Message
from cplus.web.merchant.conversations.thread import PAGE, Thread, fitting


def message(number: int, files: int) -> Message:
    told: dict[str, Any] = {one.name: None for one in fields(Message)}
    listed = [FileView(str(n), "x" * 200, "image/png", 1, inline=False) for n in range(files)]
    return Message(**{**told, "id": f"m{number}", "text": "Yes", "files": listed})


def test_a_page_lists_some_files_of_each_message_and_those_of_the_newest_first() -> None:
    shown = fitting([message(number, 200) for number in range(50)])
    assert [len(one.files) for one in shown[-4:]] == [4, 12, 12, 12]
    assert sum(len(one.files) for one in shown) == PAGE.files
    assert {len(one.files) + one.more_files for one in shown} == {200}


@given(
    st.lists(st.text(max_size=2_000), max_size=50),
    st.sampled_from(["", "<", "語", "\N{GRINNING FACE}", "words and more "]),
    st.integers(0, 30_000),
)
def test_a_page_is_never_larger_than_it_has_room_for(
    texts: list[str], filler: str, count: int
) -> None:
    texts = [*texts, filler * count]
    shown = fitting([replace(message(n, 0), text=text) for n, text in enumerate(texts)])
    sizes = [len(escape(one.text or "").encode()) for one in shown]
    assert sum(sizes) <= PAGE.text + PAGE.beginning * len(texts)
    for one, text in zip(shown, texts, strict=True):
        assert one.text is not None
        assert text.startswith(one.text)
        assert one.cut == (one.text != text)
    assert sizes[-1] > PAGE.text // 4 or not shown[-1].cut, "the newest has room"


def test_the_message_that_is_asked_for_is_whole_and_the_others_begin() -> None:
    long = replace(message(1, 0), text="<" * 500_000)
    shown = fitting([message(0, 0), long, message(2, 0)], whole="m1")
    assert [one.cut for one in shown] == [False] * 3
    shown = fitting([long, replace(message(2, 0), text="word " * 9_000)], whole="m1")
    assert [one.cut for one in shown] == [False, True]
    assert (shown[1].text or "").endswith("word")


def test_the_page_leads_to_the_first_message_that_is_new_unless_that_is_in_sight() -> None:
    read = datetime(2026, 11, 1, tzinfo=UTC)
    told = [
        replace(
            message(n, 0), direction="out" if n == 3 else "in", at=read + timedelta(hours=n - 2)
        )
        for n in range(6)
    ]
    thread = Thread(fitting(told), None, None)
    assert thread.first_new(read) == "m4", "their own reply is not new to anybody"
    assert thread.first_new(read - timedelta(hours=2)) == "", "it is the second of the page"
    assert thread.first_new(read + timedelta(hours=3)) == ""
