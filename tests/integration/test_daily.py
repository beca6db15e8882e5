"""The function `daily`, from its handler to the object in the bucket."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from cplus.bootstrap import Parts
from cplus.events import Draft
from cplus.events.audit import load_roots
from cplus.events.store import ensure_indexes
from cplus.settings import Settings

SHOP = "acorn.myshopify.com"
PROGRAM = """
import asyncio, json
from cplus.bootstrap import event_loop
from lambdas.daily import handler
answers = [handler({}, None) for _ in range(2)]
left = len(asyncio.all_tasks(event_loop()))
print("answers", json.dumps([*answers, left]))
"""


async def test_the_function_seals_the_day_once_and_leaves_no_task_behind(
    mongo_uri: str, database_name: str, aws_endpoint: str
) -> None:
    bucket = f"{database_name.replace('_', '-')}-roots"
    settings = Settings(
        mongo_uri=SecretStr(mongo_uri), mongo_database=database_name, roots_bucket=bucket
    )
    parts = Parts(settings)
    await ensure_indexes(parts.mongo.database)
    await (await parts.aws.client("s3")).create_bucket(Bucket=bucket)
    drafts = [Draft(SHOP, f"c{i}", "webhook", "shopify", reason="none") for i in range(3)]
    await parts.store.append(drafts)
    environment = {
        **os.environ,
        "CPLUS_MONGO_URI": mongo_uri,
        "CPLUS_MONGO_DATABASE": database_name,
        "CPLUS_ROOTS_BUCKET": bucket,
    }
    days = {datetime.now(UTC).date()}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-W", "error", "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    days.add(datetime.now(UTC).date())
    if len(days) > 1:
        pytest.skip("the day ended during the test")
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    first, again, left = json.loads(last.removeprefix("answers "))
    assert first == again
    assert first["shops"] == 1
    assert left == 0
    roots = await load_roots(parts.aws, bucket)
    assert roots.days == list(days)
    assert not roots.wrong
    assert roots.expected == {SHOP: {3: (await parts.store.head(SHOP)).hash}}
    await parts.close()
