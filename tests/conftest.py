"""What every test may ask for: a real MongoDB for the session, a database of its own for each."""

from __future__ import annotations

import gc
import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pymongo
import pytest
import structlog

from cplus.local.aws.endpoint import REGION, AwsEndpoint
from cplus.local.mongod import Mongod
from tests.databases import Databases, close_connected

ROOT = Path(__file__).resolve().parent.parent
SOAK = ROOT / "build" / "soak.json"
LONGEST = (
    ROOT / "tests" / "journeys",
    ROOT / "tests" / "integration" / "web" / "test_looks.py",
)
Figures = Callable[..., None]

# A machine that has other work to do takes longer for an example, and that is no fault.
hypothesis.settings.register_profile("cplus", deadline=None)
hypothesis.settings.load_profile("cplus")

MEMORY = Path("/dev/shm")  # pytest and tempfile make folders of their own in it
ROOM = 6 * 2**30


def pytest_configure() -> None:
    """Keeps what the tests write in memory if the machine has room: on a disk, MongoDB is slowed
    down by the files that each database makes and drops, and by each commit. CPLUS_TEST_ON_DISK=1
    leaves it on the disk, as does a TMPDIR."""
    named = os.environ.get("CPLUS_TEST_ON_DISK") or os.environ.get("TMPDIR")
    if not named and os.access(MEMORY, os.W_OK) and _room() >= ROOM:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # it is looked for again


def _room() -> int:
    """Bytes that may be written to memory."""
    told = Path("/proc/meminfo").read_text("ascii")
    available = next(line.split()[1] for line in told.splitlines() if "MemAvailable" in line)
    return min(shutil.disk_usage(MEMORY).free, int(available) * 1024)


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """How a test has logged ends with it: a command that is called in this process sets it up, and
    the next test in it would look for a line that is not written."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
async def mongo_uri() -> AsyncIterator[str]:
    """A replica set: CPLUS_TEST_MONGO_URI, or a mongod (PATH, else the wheel's) of this run.

    A mongod of this run dies with it, however the run ends.
    """
    environment = {"PATH": os.environ.get("PATH", "")}
    if given := os.environ.get("CPLUS_TEST_MONGO_URI"):
        environment["CPLUS_MONGO_URI"] = given
    with tempfile.TemporaryDirectory(prefix="cplus-tests-") as directory:
        mongod = Mongod(Path(directory), environment=environment)
        await mongod.start()
        if mongod.child:
            _acknowledges_before_it_is_on_disk(mongod.uri)
            _keeps_what_has_expired(mongod.uri)
        try:
            yield mongod.uri
        finally:
            await close_connected()
            mongod_child = mongod.child
            if mongod_child:
                await mongod_child.stop(grace=0.0)  # nothing of it is needed afterwards


def _keeps_what_has_expired(uri: str) -> None:
    """The clocks of tests stand at days that are over: once a minute the server would delete what
    expires by them, in the middle of a test."""
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        client.admin.command({"setParameter": 1, "ttlMonitorEnabled": False})


def _acknowledges_before_it_is_on_disk(uri: str) -> None:
    """What is written outlives no crash of this mongod, and no test has it crash: to wait for its
    journal takes half of the time of each write. Tests of crashes start mongods of their own."""
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        config = client.admin.command("replSetGetConfig")["config"]
        config["version"] += 1
        config["writeConcernMajorityJournalDefault"] = False
        client.admin.command({"replSetReconfig": config})
        # Without a write under the new configuration, the first read of what is acknowledged by a
        # majority waits for one: for up to 20 seconds.
        note = {"appendOplogNote": 1, "data": {}, "writeConcern": {"w": "majority"}}
        client.admin.command(note)


@pytest.fixture(scope="session", autouse=True)
async def _commands_end() -> AsyncIterator[None]:
    """What the commands of a run come from ends with it."""
    yield
    from tests.integration.command_line import COPIES, FORKS

    for forks in (COPIES, FORKS):
        await forks.close()


@pytest.fixture(scope="session")
def databases(mongo_uri: str) -> Iterator[Databases]:
    """Lends databases that carry their indexes already."""
    with pymongo.MongoClient[dict[str, Any]](mongo_uri) as client:
        made = Databases(client)
        yield made
        made.close()


@pytest.fixture
def database_name(databases: Databases) -> Iterator[str]:
    """A name no other test uses; what begins with it is dropped after the test."""
    name = f"test_{secrets.token_hex(6)}"
    yield name
    databases.drop(name)


@pytest.fixture(scope="session")
async def aws_endpoint() -> AsyncIterator[str]:
    """The URL of an AWS endpoint on this machine; clients made in this process find it."""
    with (
        tempfile.TemporaryDirectory(prefix="cplus-tests-") as directory,
        pytest.MonkeyPatch.context() as patch,
    ):
        aws = AwsEndpoint(Path(directory))
        await aws.start()
        patch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            patch.setenv(name, REGION)
        try:
            yield aws.endpoint
        finally:
            await aws.stop()


@pytest.fixture(scope="session")
def node_environment() -> dict[str, str]:
    """The environment for programs of node_modules/.bin; fails the test that has none."""
    if not (ROOT / "node_modules" / ".bin").is_dir():
        pytest.fail("the packages of Node are missing: run `make setup`", pytrace=False)
    # Where the machine has no Node of its own, `make setup` puts one beside this Python.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path}


@pytest.fixture(scope="session")
def browser_path() -> str | None:
    """A Chromium on this machine; None where Playwright is to use the one that it fetched."""
    names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    return os.environ.get("CPLUS_TEST_BROWSER") or next(
        filter(None, map(shutil.which, names)), None
    )


@pytest.fixture(scope="session")
def shell_path(browser_path: str | None) -> str | None:
    """The Chromium that has no windows, and no settings and notifications either: it renders pages
    with a third of the processor's time. Where a machine has none, the one of `browser_path`."""
    return shutil.which("chromium-headless-shell") or browser_path


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Figures:
    """Tells in numbers what a long test did, as in `figures(kills=8)`; see docs/proofs.md."""

    def tell(**numbers: int) -> None:
        for name, number in numbers.items():
            record_property(name, number)

    return tell


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begins with the longest files where workers share the tests: the last one would keep one
    worker busy while the others have nothing left."""
    if hasattr(config, "workerinput"):  # a run without workers begins with what is quick
        items.sort(key=lambda item: not any(map(item.path.is_relative_to, LONGEST)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Looks for no garbage meanwhile: next to nothing of what is imported is let go of."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Keeps what was imported and collected out of every later look for garbage: it is over a
    million objects that nobody lets go of."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what the long tests of this run saw, and keeps it beside what others saw before."""
    reports = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call" and "soak" in report.keywords
    ]
    if not reports:
        return
    kept = json.loads(SOAK.read_text("utf-8")) if SOAK.exists() else {}
    terminalreporter.section("what the long tests saw")
    for report in reports:
        told = dict(report.user_properties)
        kept[report.nodeid] = {
            "day": datetime.now(UTC).date().isoformat(),
            "passed": report.passed,
            "seconds": round(report.duration, 1),
            "figures": told,
        }
        said = ", ".join(f"{name} {number:,}" for name, number in told.items())
        took = f"{report.outcome} in {report.duration:.1f} s"
        terminalreporter.write_line(": ".join(filter(None, (report.nodeid, took, said))))
    SOAK.parent.mkdir(exist_ok=True)
    SOAK.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
