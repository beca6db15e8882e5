"""What tests on MongoDB may ask for: settings, connection, log and queue of the test."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from cplus.aws import Aws
from cplus.events.log.store import EventStore
from cplus.events.log.store import ensure_indexes as ensure_log_indexes
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.generations.lineage_changes import ensure_indexes
from cplus.settings import Settings
from tests.databases import Databases, connected
from tests.integration.fold_world import COUNTER

RECEIVES = 3
"""How often a message of the queue comes before it is a dead letter."""


@pytest.fixture
def projections() -> tuple[Projection, ...]:
    """What the test folds, for which its database has indexes; a file may say others."""
    return (COUNTER,)


@pytest.fixture
async def indexed(
    mongo_uri: str, databases: Databases, projections: tuple[Projection, ...]
) -> AsyncIterator[str]:
    """The name of a database with the indexes of the log and of what is folded, and no more."""

    async def prepare(name: str) -> None:
        await _make_indexes(mongo_uri, name, projections)

    async with databases.lent(projections, prepare) as name:
        yield name


@pytest.fixture
async def own(mongo_uri: str, database_name: str, projections: tuple[Projection, ...]) -> str:
    """The same, but a database that no other test had or will have."""
    await _make_indexes(mongo_uri, database_name, projections)
    return database_name


async def _make_indexes(mongo_uri: str, name: str, projections: tuple[Projection, ...]) -> None:
    """Makes the indexes of the log and of what is folded."""
    made = connected(Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=name))
    await ensure_log_indexes(made.database)
    await ensure_indexes(made.database, projections)


@pytest.fixture
def settings(mongo_uri: str, indexed: str) -> Settings:
    """Those of the test's database."""
    return Settings(
        mongo_uri=SecretStr(mongo_uri),
        mongo_database=indexed,
        mongo_keyring_database=f"{indexed}_keyring",
    )


@pytest.fixture
async def mongo(settings: Settings) -> Mongo:
    """The test's database."""
    return connected(settings)


@pytest.fixture
def store(mongo: Mongo) -> EventStore:
    """The log of the test's database."""
    return EventStore(mongo)


@pytest.fixture(scope="session")
async def aws(aws_endpoint: str) -> AsyncIterator[Aws]:
    """Clients of the AWS endpoint, one of each service for all tests of a worker: to make them
    takes longer than most tests do."""
    made = Aws()
    yield made
    await made.close()


@pytest.fixture
async def url(aws: Aws) -> str:
    """A queue with a dead-letter queue."""
    sqs, name = await aws.client("sqs"), f"test-{secrets.token_hex(6)}"
    await sqs.create_queue(QueueName=f"{name}-dead")
    arn = f"arn:aws:sqs:us-east-1:123456789012:{name}-dead"
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": RECEIVES})
    made = await sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": redrive})
    return str(made["QueueUrl"])
