"""Databases that carry their indexes already, lent to one test after another.

To make the indexes of a database takes longer than most tests. Tests of indexes, of migrations, and
those that kill processes at work have one of their own instead: `database_name`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pymongo
from pydantic import SecretStr

from cplus.bootstrap import ensure_indexes
from cplus.ids import random_id
from cplus.mongo import Mongo, connect
from cplus.settings import Settings

Client = pymongo.MongoClient[dict[str, Any]]
Prepare = Callable[[str], Awaitable[None]]
"""Makes what a fresh database of that name has; also in those whose names begin with it."""

Documents = dict[str, list[dict[str, Any]]]
"""What a database holds, by collection."""

_SPARE = 2  # what a test of before may still be writing is in none of the next one


def holding(names: Sequence[str]) -> list[dict[str, Any]]:
    """Asks a database, by the first of these collections, which of them hold a document: one
    question in place of one for each."""
    of: list[list[dict[str, Any]]]
    of = [[{"$limit": 1}, {"$project": {"_id": 0, "name": {"$literal": name}}}] for name in names]
    rest = zip(names[1:], of[1:], strict=True)
    return [*of[0], *({"$unionWith": {"coll": name, "pipeline": one}} for name, one in rest)]


@dataclass(frozen=True)
class Contents:
    """What a database holds; by the names of the database and of the collection."""

    options: dict[tuple[str, str], dict[str, Any]]
    indexes: dict[tuple[str, str], list[dict[str, Any]]]
    documents: dict[tuple[str, str], list[dict[str, Any]]]


@dataclass(frozen=True)
class Prepared:
    """A database, and what it held when it was fresh."""

    name: str
    fresh: Contents


class Connected(Mongo):
    """Databases over a client that other tests use too."""

    async def close(self) -> None:
        """Leaves the client to the others: `close_connected` ends it."""


_connections: dict[Hashable, Mongo] = {}


def connected(settings: Settings) -> Mongo:
    """The databases of these settings over a client that all tests of this process share: to make
    one, to log in and to end it takes longer than what many tests ask the server."""
    kind = (settings.secret("mongo_uri"), settings.mongo_driver, settings.mongo_pool)
    if kind not in _connections:
        _connections[kind] = connect(settings)
    return Connected(_connections[kind].client, settings)


async def close_connected() -> None:
    """Ends what the tests shared."""
    while _connections:
        await _connections.popitem()[1].close()


@asynccontextmanager
async def of_a_file(mongo_uri: str, **settings: Any) -> AsyncIterator[Settings]:
    """A database and a keyring's with their indexes, for all tests of a file."""
    name = f"test_{random_id(12)}"
    made = Settings(
        mongo_uri=SecretStr(mongo_uri),
        mongo_database=name,
        mongo_keyring_database=f"{name}_keyring",
        **settings,
    )
    await ensure_indexes(made)
    yield made
    mongo = connected(made)
    for database in (mongo.database, mongo.keyring):
        await mongo.client.drop_database(database.name)


@asynccontextmanager
async def emptied_for_a_test(place: Settings) -> AsyncIterator[Mongo]:
    """The two, emptied."""
    made = connected(place)
    for database in (made.database, made.keyring):
        await emptied(database)
    yield made


async def emptied(database: Any) -> None:
    """Takes every document out of the database; its collections and their indexes stay."""
    names = await database.list_collection_names()
    if not names:
        return
    cursor = database[names[0]].aggregate(holding(names))
    for one in await cursor.to_list(None):
        await database[one["name"]].delete_many({})


async def documents_of(database: Any) -> Documents:
    """Every document of the database, by collection."""
    names = await database.list_collection_names()
    return {name: found for name in names if (found := await database[name].find().to_list(None))}


async def put(database: Any, documents: Documents) -> None:
    """Puts these documents into the database, which has none of them."""
    for name, found in documents.items():
        await database[name].insert_many(found, ordered=False)


class Databases:
    """The databases of one server: who lends one has it alone, and as good as fresh."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._idle: dict[Hashable, list[Prepared]] = {}

    @asynccontextmanager
    async def lent(self, kind: Hashable, prepare: Prepare) -> AsyncIterator[str]:
        """The name of a database as `prepare` makes them; all of one kind are made alike."""
        idle = self._idle.setdefault(kind, [])
        lent = None
        while lent is None and len(idle) >= _SPARE:
            lent = idle.pop(0)  # the one that has rested longest
            if not self._is_fresh_again(lent):
                self.drop(lent.name)
                lent = None
        if lent is None:
            name = f"test_{random_id(12)}"
            await prepare(name)
            lent = Prepared(name, self.contents(name))
        try:
            yield lent.name
        finally:
            idle.append(lent)

    def contents(self, name: str) -> Contents:
        """What the databases whose names begin with this one hold."""
        found = self._forms(name)
        for database in {at[0] for at in found.options}:
            for one in self._holding(database, found):
                rows = self._client[database][one]
                found.documents[database, one] = list(rows.find().sort("_id"))
        return found

    def _forms(self, name: str) -> Contents:
        """The same without the documents: one question, however many collections there are."""
        found = Contents({}, {}, {})
        begins = {"$match": {"db": {"$regex": f"^{name}"}}}
        for one in self._client.admin.aggregate([{"$listCatalog": {}}, begins]):
            at, form = (one["db"], one["name"]), one["md"]
            found.options[at] = {key: of for key, of in form["options"].items() if key != "uuid"}
            found.indexes[at] = sorted((index["spec"] for index in form["indexes"]), key=str)
            found.documents[at] = []
        return found

    def drop(self, name: str) -> None:
        """Drops the databases whose names begin with this one."""
        for database in self._named(name):
            self._client.drop_database(database)

    def close(self) -> None:
        """Drops all that was made."""
        for idle in self._idle.values():
            while idle:
                self.drop(idle.pop().name)

    def _named(self, name: str) -> list[str]:
        return [one for one in self._client.list_database_names() if one.startswith(name)]

    def _is_fresh_again(self, used: Prepared) -> bool:
        """Takes out what was put in since; False if collections or indexes are not those of a fresh
        one."""
        found, fresh = self._forms(used.name), used.fresh
        for database, name in found.options.keys() - fresh.options.keys():
            self._client[database][name].drop()
        for at, options in fresh.options.items():
            if found.options.get(at) != options or found.indexes[at] != fresh.indexes[at]:
                return False
        for database in {at[0] for at in fresh.options}:
            for name in self._holding(database, fresh):
                self._client[database][name].delete_many({})
        for (database, name), documents in fresh.documents.items():
            if documents:
                self._client[database][name].insert_many(documents)
        return True

    def _holding(self, database: str, found: Contents) -> list[str]:
        """Those of the collections that hold a document."""
        names = [name for of, name in found.options if of == database]
        return [one["name"] for one in self._client[database][names[0]].aggregate(holding(names))]
