"""The page that leads to a new decision is true: what it says is done, and works."""

from __future__ import annotations

from pathlib import Path

from cplus.bootstrap import ensure_indexes
from tests.integration.how_to import Copied
from tests.integration.web.harness import SHOP, Harness

CLICK = """
import asyncio, os, sys
from tests.integration.web.harness import Harness, form_fields

async def click():
    opened = Harness(os.environ["CPLUS_MONGO_URI"], os.environ["CPLUS_MONGO_DATABASE"])
    async with opened as web, web.signed_in() as browser:
        conversation = sys.argv[1]
        assert "Send and close" in (await browser.get(f"/conversations/{conversation}")).text
        fields = await form_fields(browser, conversation, "reply")
        for _ in range(2):
            answer = await browser.post(
                f"/conversations/{conversation}/reply",
                data={**fields, "text": "We do.", "then": "close"},
            )
            assert answer.status_code == 303, answer.text

asyncio.run(click())
"""


async def test_the_page_leads_from_nothing_to_a_button(
    mongo_uri: str, database_name: str, tmp_path: Path
) -> None:
    async with Harness(mongo_uri, database_name) as web:
        await ensure_indexes(web.settings)
        conversation = await web.conversation()
        project = Copied.into(tmp_path / "project", mongo_uri, database_name)
        said = await project.follow("new-decision.md")
        assert "4 passed" in said["pytest -q tests/unit/events/test_answer_and_close.py"]
        await project.run("-c", CLICK, conversation)
        told = await web.stream(SHOP, conversation)
        assert told[-2:] == ["conversation.reply_written", "conversation.closed"]
        assert told.count("conversation.reply_written") == 1
