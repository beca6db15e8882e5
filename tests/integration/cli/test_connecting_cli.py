"""What commands promise if the database cannot be reached, or refuses something."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from cplus.mongo import PyMongoError, connect
from cplus.settings import Settings
from tests.conftest import ROOT
from tests.integration.cli.shops_world import REPLAY
from tests.integration.command_line import started


async def test_rights_are_spoken_of_only_where_it_is_they_that_lack() -> None:
    for code, name, is_rights in (
        (13, "Unauthorized", True),
        (18, "AuthenticationFailed", True),
        (286, "ChangeStreamHistoryLost", False),
        (121, "DocumentValidationFailure", False),
    ):
        command = ("refused", str(code), name)
        process = await started(*command, module="tests.integration.cli.refused")
        out, err = await process.communicate()
        assert (process.returncode, out) == (1, b"")
        assert f"refused the request ({name})" in err.decode()
        assert ("password" in err.decode(), "sesame" in err.decode()) == (is_rights, False)


async def test_a_database_that_is_away_is_said_in_one_line_by_every_command(tmp_path: Path) -> None:
    also = {"CPLUS_MONGO_URI": "mongodb://ada:sesame@127.0.0.1:1"}

    async def asked(*command: str) -> None:
        process = await started(*command, cwd=tmp_path, also=also)
        out, err = await process.communicate()
        assert (process.returncode, out) == (1, b""), command
        assert b"Error: the database did not answer (ServerSelectionTimeoutError);" in err
        assert b"sesame" not in err
        assert len(err.splitlines()) == 1

    commands = (
        ("rebuild", "shops"),
        ("rebuild", "shops", "--back"),
        ("verify", "shops"),
        REPLAY,
        ("prove", "--against", str(ROOT)),
        ("projections", "lag"),
        ("audit", "verify"),
        ("migrate",),
    )
    await asyncio.gather(*(asked(*command) for command in commands))
    assert not (tmp_path / "rows.jsonl").exists()


async def test_a_sign_of_life_is_waited_for_no_longer_than_said() -> None:
    away = connect(Settings(mongo_uri=SecretStr("mongodb://127.0.0.1:1")))
    began = time.monotonic()
    with pytest.raises(PyMongoError):
        await away.answers(0.2)
    assert time.monotonic() - began < 5  # the driver alone waits for 10 seconds
    await away.close()


async def test_a_password_that_is_refused_is_said_as_such_and_not_shown(mongo_uri: str) -> None:
    uri = re.sub("//(.*@)?", "//ada:sesame@", mongo_uri, count=1)
    process = await started("verify", "shops", also={"CPLUS_MONGO_URI": uri})
    out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert b"Error: the database refused the request (AuthenticationFailed);" in err
    assert b"sesame" not in err
    assert len(err.splitlines()) == 1


async def test_what_is_no_connection_string_is_said_and_not_shown() -> None:
    for uri in (
        "sesame",
        "mongodb://ada:@sesame@db.example.com",
        "mongodb://ada:sesame@db.example.com:99999",
        "mongodb://ada:sesame@db.example.com/?tls=true&tlsCAFile=/nowhere",
    ):
        process = await started("projections", "lag", also={"CPLUS_MONGO_URI": uri})
        out, err = await process.communicate()
        assert (process.returncode, out) == (1, b"")
        assert "is not a MongoDB connection string" in err.decode()
        assert "sesame" not in err.decode()
        assert len(err.splitlines()) == 1


async def test_a_setting_that_cannot_be_is_named_without_its_value() -> None:
    process = await started("verify", "shops", also={"CPLUS_MONGO_POOL": "sesame"})
    out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert b"Error: The environment variable CPLUS_MONGO_POOL has an invalid value" in err
    assert b"sesame" not in err
    assert len(err.splitlines()) == 1
