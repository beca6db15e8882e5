"""What the gate before a deployment promises, run as it is run: two versions over one log."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import SecretStr

from cplus.cli.read_models.versions import CodeFailed, OtherProtocol, code_at, release_process
from cplus.events.base import Event
from cplus.events.catalogue.imports import ImportPageLoaded, ImportStarted
from cplus.events.log.store import EventStore
from cplus.events.log.store import ensure_indexes as ensure_log_indexes
from cplus.mongo import Mongo, connect
from cplus.projections.groups import ALL
from cplus.projections.models.shops import SHOPS
from cplus.settings import Settings
from tests.conftest import ROOT
from tests.integration.cli.shops_world import everything
from tests.integration.command_line import started
from tests.integration.edited_code import copied, edited
from tests.integration.fold_world import write
from tests.samples import installed

HOSTS = ("acorn.myshopify.com", "birch.myshopify.com")
IMPORTS = 40


class StartedThen(Event):
    """As releases from before its version 2 wrote it, and still read it."""

    TYPE: ClassVar[str] = ImportStarted.TYPE
    import_id: str


@pytest.fixture
async def mongo(mongo_uri: str, database_name: str) -> AsyncIterator[Mongo]:
    """A log of two shops; nothing else."""
    settings = Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=database_name)
    made = connect(settings)
    await ensure_log_indexes(made.database)
    for shop in HOSTS:
        events = [
            event
            for number in range(IMPORTS)
            for event in (
                StartedThen(import_id=f"i{number:02}"),
                ImportPageLoaded(import_id=f"i{number:02}", page=1, customers=7),
            )
        ]
        named = installed("The Secret Shop", ("read_orders",))
        await write(EventStore(made), named, *events, shop=shop)
    yield made
    await made.close()


async def prove(
    mongo: Mongo, mongo_uri: str, against: Path | str, *more: str, project: Path = ROOT
) -> tuple[int | None, str, str]:
    """The status of the command, with the code of `project`, and what it said."""
    also = {"CPLUS_MONGO_URI": mongo_uri, "CPLUS_MONGO_DATABASE": mongo.database.name}
    process = await started("prove", "--against", str(against), *more, code=project, also=also)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), err.decode()


async def test_the_deployed_package_makes_the_same_rows_and_nothing_is_touched(
    mongo: Mongo, mongo_uri: str, tmp_path: Path
) -> None:
    before = await everything(mongo)
    archive = shutil.make_archive(str(tmp_path / "functions"), "zip", copied(tmp_path / "code"))
    status, out, err = await prove(mongo, mongo_uri, archive, "--json", "--workers", "2")
    assert status == 0, err
    said = json.loads(out)
    assert (said["ok"], said["total"], said["shops"]) == (True, 0, 2)
    assert said["events"] == 2 * (1 + 2 * IMPORTS)
    rows = {one["name"]: (one["rows_before"], one["rows"]) for one in said["projections"]}
    assert rows["shops"] == (2 * (1 + IMPORTS), 2 * (1 + IMPORTS))
    assert await everything(mongo) == before


async def test_a_release_from_before_the_modules_moved_makes_the_same_rows(
    mongo: Mongo, mongo_uri: str
) -> None:
    # The package of commit 79d1e66, as far as it is asked: its modules had other names.
    archive = ROOT / "tests" / "fixtures" / "releases" / "before-the-rooms.zip"
    status, out, err = await prove(mongo, mongo_uri, archive, "--json")
    assert status == 0, err
    said = json.loads(out)
    assert (said["ok"], said["total"], said["shops"]) == (True, 0, 2)
    assert {one["name"] for one in said["projections"]} == {one.name for one in ALL}
    assert all(one["rows_before"] == one["rows"] for one in said["projections"])


async def test_a_changed_fold_fails_until_its_differences_are_listed_as_meant(
    mongo: Mongo, mongo_uri: str, tmp_path: Path
) -> None:
    project = copied(tmp_path)
    committed(project, "cplus")
    edited(project, "models/shops.py", '["pages"] += 1', '["pages"] += 2')
    edited(project, "models/shops.py", '"name": shop.shop_name', '"name": shop.shop_name + "!"')
    meant = '[[meant]]\nprojection = "shops"\nfields = ["pages"]\nreason = "a page has two sides"\n'
    idle = '[[meant]]\nprojection = "billing"\nreason = "prices rose"\n'
    (project / "prove.toml").write_text(meant + idle)
    status, out, _ = await prove(mongo, mongo_uri, "HEAD", project=project)
    lines = out.splitlines()
    assert status == 1
    assert lines[:2] == [f"shops {shop}/shop: differs in profile" for shop in HOSTS]
    rows, pages = 2 * (1 + IMPORTS), 2 * IMPORTS
    told = f"{rows} rows, 2 not intended, {pages} intended ({pages} × pages, 2 × profile)"
    assert f"shops v{SHOPS.version}: {told}" in lines
    assert (
        "prove.toml lists a difference that does not exist: differs in billing: prices rose"
        in lines
    )
    assert "differences: 2 not intended" in lines[-1]
    assert "Secret" not in out
    all_meant = meant + '[[meant]]\nprojection = "shops"\nfields = ["profile"]\nreason = "loud"\n'
    (project / "meant.toml").write_text(all_meant + idle)
    given = ("--meant", "meant.toml")
    status, out, err = await prove(mongo, mongo_uri, "HEAD", *given, project=project)
    assert status == 0, err
    assert "meant.toml lists a difference that does not exist: differs in billing" in out
    assert out.endswith("differences: all intended\n")
    (project / "prove.toml").unlink()
    status, out, err = await prove(mongo, mongo_uri, project, project=project)
    assert status == 0, err
    assert out.endswith("differences: none\n")


async def test_where_there_is_nothing_to_compare_it_does_not_pass(
    mongo: Mongo, mongo_uri: str
) -> None:
    for more, words in {
        ("--shop", HOSTS[0], "--shop", "acron.myshopify.com"): "no commits of acron.myshopify.com",
        ("--shop", "acorn"): "not of the form NAME.myshopify.com",
    }.items():
        status, out, err = await prove(mongo, mongo_uri, ROOT, *more)
        assert (status, out) == (1, "")
        assert words in err
        assert len(err.strip().splitlines()) == 1
    await mongo.client.drop_database(mongo.database.name)
    status, out, err = await prove(mongo, mongo_uri, ROOT)
    assert (status, out) == (1, "")
    assert f"{mongo.database.name} holds no commits;" in err


async def test_what_is_no_version_of_this_code_or_too_old_is_said_in_one_line(
    mongo: Mongo, mongo_uri: str, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    (old / "cplus").mkdir(parents=True)
    status, out, err = await prove(mongo, mongo_uri, old)
    assert (status, out) == (1, "")
    assert "it is older than this command" in err
    assert len(err.strip().splitlines()) == 1
    plain, text, archive = tmp_path / "plain", tmp_path / "file.txt", tmp_path / "old.zip"
    plain.mkdir()
    text.write_text("no zip")
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("code/cplus/__init__.py", "")
    damaged = tmp_path / "damaged.zip"
    with zipfile.ZipFile(damaged, "w") as file:
        file.writestr("cplus/__init__.py", "words of the file")
    damaged.write_bytes(damaged.read_bytes().replace(b"words", b"WORDS", 1))
    for against, reason in {
        str(plain): "the folder holds no cplus/",
        str(text): "the file is not a zip file",
        str(archive): "the zip file holds no cplus/",
        str(damaged): "the zip file cannot be unpacked",
        str(tmp_path / "none"): "there is no such folder, zip file or commit",
        "no-such-commit": "there is no such folder, zip file or commit",
        "--output=x": "there is no such folder, zip file or commit",
        "x" * 300: "File name too long",
    }.items():
        status, out, err = await prove(mongo, mongo_uri, against)
        assert (status, out) == (1, "")
        assert f"{against!r} is not a version of this code: {reason}" in err
        assert "Name a folder or a zip file that holds cplus/, or a commit" in err
        assert len(err.strip().splitlines()) == 1


def committed(project: Path, *paths: str) -> None:
    """Commits the paths of a project, which has its repository then."""
    person = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    commit = (*person, "commit", "-q", "--allow-empty", "-m", "Runs now")
    for command in (("init", "-q", "-b", "main"), ("add", "--", *paths), commit):
        subprocess.run(["git", *command], cwd=project, check=True)


async def test_a_commit_without_this_code_and_a_place_without_git_are_said_as_such(
    mongo: Mongo, mongo_uri: str, tmp_path: Path
) -> None:
    project = copied(tmp_path)
    _, _, err = await prove(mongo, mongo_uri, "main", project=project)
    assert "there is no such folder, zip file or commit; git: fatal: not a git repo" in err
    committed(project)
    status, out, err = await prove(mongo, mongo_uri, "main", project=project)
    assert (status, out) == (1, "")
    assert "; git: fatal: pathspec 'cplus' did not match" in err
    assert len(err.strip().splitlines()) == 1


async def test_a_folder_without_this_code_does_not_hide_the_branch_of_its_name(
    mongo: Mongo, mongo_uri: str, tmp_path: Path
) -> None:
    project = copied(tmp_path)
    committed(project, "cplus")
    (project / "main").mkdir()
    status, _, err = await prove(mongo, mongo_uri, "main", project=project)
    assert status == 0, err


async def test_another_version_that_cannot_tell_its_rows_says_why(tmp_path: Path) -> None:
    broken = copied(tmp_path / "broken")
    edited(broken, "groups.py", "import CONVERSATIONS", "import CHATS")
    async with release_process(code_at(str(broken), tmp_path, None), {}) as teller:
        with pytest.raises(CodeFailed, match="ImportError: cannot import name 'CHATS'"):
            await teller.hello()
    shutil.rmtree(tmp_path / "old")
    strange = copied(tmp_path / "strange")
    edited(strange, "checks/release_rows.py", "PROTOCOL: Final = 1", "PROTOCOL: Final = 9")
    async with release_process(code_at(str(strange), tmp_path, None), {}) as teller:
        with pytest.raises(OtherProtocol, match="speaks protocol 9"):
            await teller.hello()
