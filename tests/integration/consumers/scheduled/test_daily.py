"""The day's root, from the log to the object in the bucket."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import SecretStr

from cplus.bootstrap import Parts
from cplus.consumers.scheduled.daily import daily
from cplus.events.audit.roots import load_roots
from cplus.events.log.commit import Draft
from cplus.events.log.store import ensure_indexes
from cplus.settings import Settings

NOW = datetime(2026, 11, 1, 23, 30, tzinfo=UTC)
SHOP = "acorn.myshopify.com"


async def test_a_day_is_sealed_once(mongo_uri: str, database_name: str, aws_endpoint: str) -> None:
    bucket = f"{database_name.replace('_', '-')}-roots"
    settings = Settings(
        mongo_uri=SecretStr(mongo_uri), mongo_database=database_name, roots_bucket=bucket
    )
    parts = Parts(settings)
    await ensure_indexes(parts.mongo.database)
    await (await parts.aws.client("s3")).create_bucket(Bucket=bucket)
    drafts = [Draft(SHOP, f"c{i}", "webhook", "shopify", reason="none") for i in range(3)]
    await parts.store.append(drafts)
    first = await daily(parts.store.log, parts.aws, bucket, lambda: NOW, "Try")
    again = await daily(parts.store.log, parts.aws, bucket, lambda: NOW, "Try")
    assert first == again
    assert first.shops == 1
    roots = await load_roots(parts.aws, bucket, NOW.date(), began=NOW.date())
    assert roots.days == [NOW.date()]
    assert not roots.wrong
    assert roots.expected == {SHOP: {3: (await parts.store.head(SHOP)).hash}}
    await parts.close()
