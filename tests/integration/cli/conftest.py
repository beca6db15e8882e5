"""The directory of a stack, empty or with three shops, for commands to run on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cplus.events.base import Event
from cplus.events.catalogue.imports import ImportPageLoaded, ImportStarted
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.groups import ALL
from cplus.projections.models.shops import SHOPS
from cplus.projections.running.runner import Runner
from tests.integration.cli.shops_world import HOSTS
from tests.integration.fold_world import (
    write,
)
from tests.samples import installed


@pytest.fixture
def projections() -> tuple[Projection, ...]:
    return ALL


@pytest.fixture
def indexed(own: str) -> str:
    """Nobody else's: commands are killed while they write."""
    return own


@pytest.fixture
async def stack(mongo_uri: str, database_name: str, tmp_path: Path) -> Path:
    """The directory of a stack."""
    said = {"mongo": mongo_uri, "database": database_name}
    (tmp_path / "stack.json").write_text(json.dumps(said))
    return tmp_path


@pytest.fixture
def pages() -> int:
    """Pages of imports that the log of each shop tells of; a file may say others."""
    return 20


@pytest.fixture
async def data(mongo: Mongo, stack: Path, pages: int) -> Path:
    """The directory of a stack: three shops, folded for the first time."""
    store = EventStore(mongo)
    first: list[Event] = [installed("Shop", ("read_customers", "read_orders"))]
    begun: list[Event] = [ImportStarted(import_id=f"i{number}") for number in range(pages // 5)]
    loaded: list[Event] = [
        ImportPageLoaded(import_id=f"i{number // 5}", page=1 + number % 5, customers=1)
        for number in range(pages)
    ]
    for shop in HOSTS:
        await write(store, *first, *begun, *loaded, shop=shop)
        await Runner(mongo, store, EventReader(), ALL).catch_up(SHOPS, shop)
    return stack
