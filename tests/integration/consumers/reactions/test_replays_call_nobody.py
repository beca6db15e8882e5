"""Rows are folded anew, and no mail goes out, no queue is filled and nobody is called."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cplus.aws import Aws
from cplus.consumers.reactions.following import follow
from cplus.consumers.reactions.registry import REACTIONS
from cplus.projections.groups import ALL
from cplus.projections.running.runner import Runner
from cplus.subscriptions.checkpoints import CHECKPOINTS
from tests.integration.command_line import nobody, said
from tests.integration.consumers.reactions.reactions_world import (
    INSTALLED,
    SHOP,
    asked,
    handed,
    reply,
    write,
)
from tests.integration.intake import Intake, intake


@pytest.fixture
async def use(mongo_uri: str, aws: Aws) -> AsyncIterator[Intake]:
    """A shop that installed and answered, and of which a customer asked for their data; what
    followed from it is handed out."""
    async with intake(mongo_uri, aws) as made:
        await write(made, INSTALLED, *map(reply, range(5)), asked(1))
        runner = Runner(made.parts.mongo, made.parts.store, made.parts.reader, ALL)
        for projection in ALL:
            await runner.catch_up(projection, SHOP)
        for reaction in 2 * REACTIONS:  # what a reaction records is news for all of them
            await follow(reaction, SHOP, made.parts.reactor)
        yield made


async def reactions(use: Intake) -> list[dict[str, Any]]:
    ids = [f"{reaction.name}/{SHOP}" for reaction in REACTIONS]
    rows = use.parts.mongo.database[CHECKPOINTS].find({"_id": {"$in": ids}}).sort("_id")
    found: list[dict[str, Any]] = await rows.to_list(None)
    return found


def calls(endpoint: str) -> dict[str, int]:
    """Every call that the AWS endpoint has had, by what was called."""
    with urllib.request.urlopen(f"{endpoint}/_local/state", timeout=10) as answer:
        found: dict[str, int] = json.load(answer)["calls"]
    return found


async def test_rebuilds_and_replays_send_no_mail_and_call_nobody(
    use: Intake, aws_endpoint: str, tmp_path: Path
) -> None:
    before, at = calls(aws_endpoint), await reactions(use)
    # The count counts: what was done so far handed out an import and six mails to send.
    assert before["sqs:SendMessage"] >= 7
    assert [row["position"] for row in at] == [8] * len(REACTIONS)
    place = ("replay", "--projection", "cplus.projections.models.messages:MESSAGES")
    async with nobody() as (also, called):
        settings = use.parts.settings
        rebuilt = await said(settings, "rebuild", "messages", also=also)
        assert (rebuilt["events"], rebuilt["differences"]) == (8, 0)
        await said(settings, "rebuild", "messages", "--shop", SHOP, also=also)
        assert (await said(settings, *place, "--collection", "trial", also=also))["events"] == 8
        assert called == []
    assert calls(aws_endpoint) == before
    assert await reactions(use) == at
    # Nor did they leave behind what would send later.
    for reaction in REACTIONS:
        await follow(reaction, SHOP, use.parts.reactor)
    imports, sends, _ = await handed(use)
    assert (len(imports), len(sends)) == (1, 6)
