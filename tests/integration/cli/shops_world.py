"""What tests of commands share: three shops, and all that a database holds."""

from __future__ import annotations

from typing import Any

from cplus.mongo import Mongo
from tests.integration.fold_world import SHOP

HOSTS = (SHOP, "birch.myshopify.com", "cedar.myshopify.com")
REPLAY = ("replay", "--projection", "cplus.projections.models.shops:SHOPS", "--out", "rows.jsonl")


async def everything(mongo: Mongo) -> dict[str, Any]:
    """Every document of the database, by collection."""
    names = sorted(await mongo.database.list_collection_names())
    return {
        name: await mongo.database[name].find({}, sort=[("_id", 1)]).to_list(None) for name in names
    }
