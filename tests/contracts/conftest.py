"""Replica sets that a test may break."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contracts.store_world import ReplicaSet


@pytest.fixture
async def three() -> AsyncIterator[ReplicaSet]:
    """A replica set of three members on this machine."""
    with tempfile.TemporaryDirectory(prefix="cplus-tests-") as directory:
        made = ReplicaSet(Path(directory))
        try:
            await made.start()
            yield made
        finally:
            await made.stop()


@pytest.fixture(scope="module")
async def alone() -> AsyncIterator[ReplicaSet]:
    """A replica set of one member; every test that kills it starts it again."""
    with tempfile.TemporaryDirectory(prefix="cplus-tests-") as directory:
        made = ReplicaSet(Path(directory), members=1)
        try:
            await made.start()
            yield made
        finally:
            await made.stop()
