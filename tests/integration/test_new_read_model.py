"""The page that leads to a new read model is true: what it says is done, and works."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from cplus.bootstrap import ensure_indexes
from cplus.events.aggregates.conversation import Conversation
from tests.conftest import ROOT
from tests.integration.web.harness import SHOP, Harness

PAGE = ROOT / "docs" / "how-to" / "new-read-model.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SEE = """
import asyncio, sys
from tests.integration.web.harness import Harness

async def look():
    web = Harness(sys.argv[1], sys.argv[2])
    async with web.signed_in() as browser:
        print((await browser.get("/customers")).text)
    await web.parts.close()

asyncio.run(look())
"""


def change(project: Path, diff: str) -> None:
    """Does what the diff says: the lines without a mark say where, and there only."""
    head, *lines = diff.splitlines()
    path = project / head.removeprefix("--- ")
    old = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
    new = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{path.name} has these lines {text.count(old)} times:\n{old}"
    path.write_text(text.replace(old, new), "utf-8")


async def answered(web: Harness, conversation_id: str) -> None:
    def answer(conversation: Conversation) -> None:
        conversation.reply(message_id="m2", text="We do.", author="merchant", now=web.clock())

    stream = f"conversation/{conversation_id}"
    await web.parts.repository.decide(
        Conversation, SHOP, stream, answer, claim="reply/1", source="dashboard", actor="merchant"
    )


async def test_the_page_leads_from_nothing_to_a_figure_on_the_dashboard(
    mongo_uri: str, database_name: str, tmp_path: Path
) -> None:
    web = Harness(mongo_uri, database_name)
    await ensure_indexes(web.settings)
    conversation_id = await web.conversation()
    web.clock.forward(300)
    await answered(web, conversation_id)
    project = tmp_path / "project"
    for name in ("cplus", "tests"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", project)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(project),
        "CPLUS_MONGO_URI": mongo_uri,
        "CPLUS_MONGO_DATABASE": database_name,
        "CPLUS_MONGO_KEYRING_DATABASE": f"{database_name}_keyring",
    }

    async def run(*command: str) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, cwd=project, env=environment, stdout=PIPE, stderr=PIPE
        )
        out, err = await asyncio.wait_for(process.communicate(), 90)
        assert process.returncode == 0, f"{command}\n{out.decode()}\n{err.decode()}"
        return out.decode()

    said: dict[str, str] = {}
    for language, block in BLOCK.findall(PAGE.read_text("utf-8")):
        if language == "python":
            path, _, code = block.partition("\n")
            (project / path.removeprefix("# ")).write_text(code, "utf-8")
        elif language == "diff":
            change(project, block)
        else:
            assert language == "sh"
            for line in block.splitlines():
                program, *arguments = line.split()
                module = {"cplus": "cplus.cli", "pytest": "pytest"}[program]
                said[line] = await run("-m", module, *arguments)
    [row] = map(json.loads, (project / "answers.jsonl").read_text("utf-8").splitlines())
    assert (row["shop"], row["key"], row["seconds"]) == (SHOP, conversation_id, 300.0)
    assert json.loads(said["cplus rebuild answers --json"])["live"] == "answers.v1.g2"
    assert json.loads(said["cplus verify answers --json"])["ok"] is True
    assert "answered within 5 minutes" in await run("-c", SEE, mongo_uri, database_name)
    await web.parts.close()
