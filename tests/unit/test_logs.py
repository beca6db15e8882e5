"""What log lines promise."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from cplus.logs import configure


class Writes(io.StringIO):
    """Remembers each write, as one to a file that is not buffered is one call of the system."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[str] = []

    def write(self, text: str, /) -> int:
        self.made.append(text)
        return len(text)


@pytest.fixture
def writes() -> Iterator[Writes]:
    before = structlog.get_config()
    made = Writes()
    configure(stream=made)
    yield made
    structlog.configure(**before)


def test_a_line_is_written_at_once_so_that_processes_do_not_tear_each_others_apart(
    writes: Writes,
) -> None:
    structlog.get_logger().warning("message_failed", reason="two\nlines")
    [line] = writes.made
    assert line.endswith("}\n")
    assert line.count("\n") == 1
    assert json.loads(line)["reason"] == "two\nlines"
