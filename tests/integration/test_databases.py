"""What one test leaves in a database that is lent, no other finds there."""

from __future__ import annotations

import pymongo
from pymongo.collection import Collection

from tests.databases import Client, Contents, Databases


async def prepare(server: Client, name: str) -> None:
    server[name]["rows"].create_index([("shop", 1)])
    server[name]["generations"].insert_one({"_id": "rows", "live": 1})
    server[f"{name}_keyring"]["persons"].create_index([("address", 1)], unique=True)


def documents(server: Client, name: str) -> None:
    server[name]["rows"].insert_one({"shop": "a"})
    server[name]["generations"].update_one({"_id": "rows"}, {"$set": {"live": 2}})
    server[f"{name}_keyring"]["persons"].insert_one({"address": "a"})


def a_collection(server: Client, name: str) -> None:
    server[name]["rows.g2"].create_index([("shop", 1)])


def a_database(server: Client, name: str) -> None:
    server[f"{name}_other"]["rows"].insert_one({"shop": "a"})


def no_index(server: Client, name: str) -> None:
    server[name]["rows"].drop_index([("shop", 1)])


def another_index(server: Client, name: str) -> None:
    server[name]["rows"].create_index([("shop", 1), ("key", 1)])


def no_collection(server: Client, name: str) -> None:
    rows: Collection[dict[str, object]] = server[name]["generations"]
    rows.drop()


def other_options(server: Client, name: str) -> None:
    server[name].command("collMod", "rows", validator={"shop": {"$type": "string"}})


def _bare(found: Contents, name: str) -> list[dict[tuple[str, str], object]]:
    """The contents, whatever the database is called."""
    return [
        {(database.removeprefix(name), rows): one for (database, rows), one in part.items()}
        for part in (found.options, found.indexes, found.documents)
    ]


async def test_a_database_that_is_lent_is_as_a_fresh_one_whatever_was_left_in_it(
    mongo_uri: str,
) -> None:
    with pymongo.MongoClient[dict[str, object]](mongo_uri) as server:
        databases = Databases(server)

        async def fresh(name: str) -> None:
            await prepare(server, name)

        for leave, kept in (
            (documents, True),
            (a_collection, True),
            (a_database, True),
            (no_index, False),
            (another_index, False),
            (no_collection, False),
            (other_options, False),
        ):
            names = []
            for _ in range(6):
                async with databases.lent(leave, fresh) as name:
                    found = databases.contents(name)
                    async with databases.lent("another", fresh) as other:
                        assert _bare(found, name) == _bare(databases.contents(other), other)
                    leave(server, name)
                    names.append(name)
            assert names[0] != names[1]  # it rests for a while
            assert (len(set(names)) < len(names)) == kept, leave
            assert set(names) & set(server.list_database_names())
            databases.close()
            assert not set(names) & set(server.list_database_names())
