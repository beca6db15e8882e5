"""Files that tests send with a reply."""

from __future__ import annotations

from cplus.events.catalogue.conversations import ReplyWritten
from tests.integration.web.harness import SHOP, Harness

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452") + b"\0" * 40


async def replies(web: Harness, conversation: str) -> list[ReplyWritten]:
    commits = await web.parts.store.stream(SHOP, f"conversation/{conversation}")
    read = await web.parts.reader.read(commits, [ReplyWritten])
    events = [recorded.event for one in read for recorded in one]
    return [event for event in events if isinstance(event, ReplyWritten)]


def chosen(*files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("files", (name, data, "text/html")) for name, data in files]
