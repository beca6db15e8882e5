"""A read model is folded anew while shoppers write, and nobody is written to because of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pymongo
import pytest

from cplus.local.aws import environment
from cplus.local.demo import Drive, Sizes, make_plan
from cplus.local.stack import Stack
from cplus.projections.groups import ALL
from cplus.subscriptions.checkpoints import CHECKPOINTS
from tests.conftest import Figures
from tests.integration.command_line import nobody, said

MODELS = tuple(sorted({projection.name for projection in ALL}))


def _sent(calls: Mapping[str, int]) -> dict[str, int]:
    """The calls that hand something on; functions ask their queues for work all the time."""
    return {name: n for name, n in calls.items() if not name.startswith("sqs:") or "Send" in name}


def _stored(stack: Stack) -> dict[str, Any]:
    """How long the log is, how far reactions followed it, and every mail that went out."""
    with pymongo.MongoClient[dict[str, Any]](stack.mongod.uri) as client:
        database = client[stack.settings.mongo_database]
        react = {"projection": {"$regex": "^react-"}}
        return {
            "commits": database["commits"].count_documents({}),
            "react": list(database[CHECKPOINTS].find(react).sort("_id")),
            "mails": sorted(path.name for path in (stack.data / "mailbox").iterdir()),
        }


@pytest.mark.soak
async def test_a_rebuild_under_traffic_differs_in_nothing_and_writes_to_nobody(
    tmp_path: Path, figures: Figures
) -> None:
    """While the demo traffic comes in, read models are rebuilt and verified, and no row differs;
    once all is quiet they are rebuilt again, and nothing is sent, called or reacted to."""
    rebuilds = 0

    async def rebuilt(also: Mapping[str, str]) -> None:
        nonlocal rebuilds
        for name in MODELS:
            done = await said(stack.settings, "rebuild", name, also=also)
            assert done["differences"] == 0
            checked = await said(stack.settings, "verify", name, also=also)
            assert (checked["ok"], checked["collection"]) == (True, done["live"])
            rebuilds += 1

    async with Stack(tmp_path) as stack:
        aws = environment(stack.aws.endpoint)
        drive = Drive(stack, make_plan(Sizes()))
        try:
            await drive.begin()
            traffic = asyncio.ensure_future(drive.run())
            before = _stored(stack)["commits"]
            await said(stack.settings, "rebuild", "conversations", also=aws)
            assert not traffic.done(), "nothing came in meanwhile"
            live = _stored(stack)["commits"] - before
            assert live > 0
            await rebuilt(aws)
            summary = await traffic
        finally:
            await drive.close()
        assert not summary.differences

        # Everything has come to rest: what goes out from now on, the commands have sent.
        sent, stored = _sent(await stack.aws.calls()), _stored(stack)
        assert {"ses:POST", "sqs:SendMessage"} <= set(sent)
        assert any(name.startswith("sns:Publish") for name in sent)
        assert stored["mails"]
        async with nobody() as (nowhere, called):
            also = {**aws, **nowhere}
            await rebuilt(also)
            model = "cplus.projections.models.conversations:CONVERSATIONS"
            place = ("replay", "--projection", model)
            await said(stack.settings, *place, "--collection", "trial", also=also)
            assert called == []
        assert _sent(await stack.aws.calls()) == sent
        assert _stored(stack) == stored
        figures(rebuilds=rebuilds + 1, commits=stored["commits"], meanwhile=live)
