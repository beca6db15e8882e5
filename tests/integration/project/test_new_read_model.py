"""The page that leads to a new read model is true: what it says is done, and works."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

from cplus.bootstrap import ensure_indexes
from cplus.events.aggregates.conversation.decisions import Conversation
from tests.conftest import ROOT
from tests.integration.how_to import Copied
from tests.integration.web.harness import SHOP, Harness
from tests.unit.project import test_docs

DOCS = ("tests/unit/project/test_docs.py", "-k", "stands_in_docs or stand_in_docs")

SEE = """
import asyncio, os
from tests.integration.web.harness import Harness

async def look():
    opened = Harness(os.environ["CPLUS_MONGO_URI"], os.environ["CPLUS_MONGO_DATABASE"])
    async with opened as web, web.signed_in() as browser:
        print((await browser.get("/customers")).text)

asyncio.run(look())
"""


async def answered(web: Harness, conversation_id: str) -> None:
    def answer(conversation: Conversation) -> None:
        conversation.reply(message_id="m2", text="We do.", author="merchant", now=web.clock())

    stream = f"conversation/{conversation_id}"
    await web.parts.recorder.decide(
        Conversation, SHOP, stream, answer, claim="reply/1", source="dashboard", actor="merchant"
    )


async def test_the_page_leads_from_nothing_to_a_figure_on_the_dashboard(
    mongo_uri: str, database_name: str, tmp_path: Path
) -> None:
    async with Harness(mongo_uri, database_name) as web:
        await ensure_indexes(web.settings)
        conversation_id = await web.conversation()
        web.clock.forward(300)
        await answered(web, conversation_id)
    project = Copied.into(tmp_path / "project", mongo_uri, database_name)
    said = await project.follow("new-read-model.md")
    [row] = map(json.loads, (project.folder / "answers.jsonl").read_text("utf-8").splitlines())
    assert (row["shop"], row["key"], row["seconds"]) == (SHOP, conversation_id, 300.0)
    assert json.loads(said["cplus rebuild answers --json"])["live"] == "answers.v1.g2"
    assert json.loads(said["cplus verify answers --json"])["ok"] is True
    assert "answered within 5 minutes" in await project.does(SEE)
    # The tables of docs/ are left to the reader: the page leads to each that tests then miss.
    asked = await project.run("pytest", "-q", "--tb=no", "-rf", *DOCS, status=1)
    missed = set(re.findall(r"FAILED \S+::(\w+)", asked))
    pages = {page for name in missed for page in _pages(name)}
    assert pages == {"events.md", "read-models.md"}
    page = (ROOT / "docs" / "how-to" / "new-read-model.md").read_text("utf-8")
    assert {one for one in pages if f"(../{one})" in page} == pages


def _pages(name: str) -> list[str]:
    """The pages that a test of docs/ reads."""
    return re.findall(r'"([\w-]+\.md)"', inspect.getsource(getattr(test_docs, name)))
