"""The page that leads to a new reaction is true: what it says is done, and works."""

from __future__ import annotations

import json
import re
from pathlib import Path

from cplus.bootstrap import ensure_indexes
from cplus.events.catalogue.shops import AppUninstalled
from tests.conftest import ROOT
from tests.integration.how_to import Copied
from tests.integration.web.harness import SHOP, Harness

DOCS = ("tests/unit/project/test_docs.py", "-k", "event_stands_in_docs or reaction_stands_in_docs")

REACTIONS = Path("tests/integration/consumers/reactions")
TRIED = {str(REACTIONS / name) for name in ("test_react_retries.py", "test_react_crashes.py")}
CARRIED = str(REACTIONS / "test_carrying_over.py")

FOLLOW = """
import asyncio
from cplus.bootstrap import Parts
from cplus.consumers.batches.sqs import records
from cplus.consumers.reactions.following import handle
from cplus.consumers.reactions.registry import REACTIONS
from cplus.deadline import Deadline

async def follow():
    parts = Parts()
    nudges = records({"Records": [{"messageId": "m", "body": '{"shop": "%s", "position": %d}'}]})
    for _ in range(2):
        assert await handle(nudges, REACTIONS, parts.reactor, Deadline.within(60)) == []
    await parts.close()

asyncio.run(follow())
"""


async def test_the_page_leads_from_nothing_to_a_reaction(
    mongo_uri: str, database_name: str, tmp_path: Path
) -> None:
    async with Harness(mongo_uri, database_name) as web:
        await ensure_indexes(web.settings)
        await web.record(SHOP, f"shop/{SHOP}", AppUninstalled())
        head = (await web.parts.store.head(SHOP)).position
    project = Copied.into(tmp_path / "project", mongo_uri, database_name)
    said = await project.follow("new-reaction.md")
    lags = json.loads(said["cplus projections lag --json"])["shops"]
    [goodbyes] = [one for one in lags if one["projection"] == "react-goodbyes"]
    assert (goodbyes["begun"], goodbyes["behind"]) == (False, 1)
    out = await project.does(FOLLOW % (SHOP, head))
    assert out.count("shop_left") == 1, out
    lags = json.loads(await project.run("cplus.cli", "projections", "lag", "--json"))["shops"]
    [goodbyes] = [one for one in lags if one["projection"] == "react-goodbyes"]
    assert (goodbyes["begun"], goodbyes["behind"], goodbyes["position"]) == (True, 0, head)
    # What every reaction promises is tried with it: no test has to be told of it.
    tried = await project.run("pytest", "-q", "-rp", "-k", "goodbyes or slowest", *TRIED, CARRIED)
    passed = re.findall(r"^PASSED (\S+?)::(\S+)", tried, re.MULTILINE)
    assert {file for file, name in passed if "goodbyes" in name} >= TRIED, tried
    assert CARRIED in {file for file, name in passed if "slowest" in name}, tried
    # The pages are left to the reader: the page leads to each that tests then miss.
    asked = await project.run("pytest", "-q", "--tb=no", "-rf", *DOCS, status=1)
    assert len(set(re.findall(r"FAILED \S+::(\w+)", asked))) == 2
    page = (ROOT / "docs" / "how-to" / "new-reaction.md").read_text("utf-8")
    assert "(../events.md)" in page
    assert "(../functions.md#reactions)" in page
