"""How much of a thread a page shows."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from cplus.projections.queries import FileView, Message
from cplus.web.merchant.conversations.thread import fitting


def message(number: int, files: int) -> Message:
    told: dict[str, Any] = {one.name: None for one in fields(Message)}
    listed = [FileView(str(n), "x" * 200, "image/png", 1, inline=False) for n in range(files)]
    return Message(**{**told, "id": f"m{number}", "text": "Yes", "files": listed})


def test_a_page_lists_some_files_of_each_message_and_those_of_the_newest_first() -> None:
    shown = fitting([message(number, 200) for number in range(200)])
    assert [len(one.files) for one in shown[-25:]] == [12] * 25
    assert sum(len(one.files) for one in shown) == 300
    assert {len(one.files) + one.more_files for one in shown} == {200}
