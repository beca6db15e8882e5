"""What `make deploy` promises: every step in its order, and none after one that failed."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import zipfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from pydantic import SecretStr

from cplus.events.catalogue.imports import ImportPageLoaded, ImportStarted
from cplus.events.log.store import EventStore
from cplus.events.log.store import ensure_indexes as ensure_log_indexes
from cplus.mongo import Mongo, connect
from cplus.settings import Settings
from tests.conftest import ROOT
from tests.integration.edited_code import copied, edited
from tests.integration.fold_world import write
from tests.samples import installed

SIGNATURE = "signature-of-the-address"
URI = "mongodb://user:password-of-the-database@127.0.0.1:1/"


@dataclass
class Running:
    """Stands for Lambda, as far as it tells of a function's package and hands it out."""

    package: bytes | None = b"the package that runs"
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        if self.package is None:
            return 404, b'{"Message": "Function not found"}'
        if path.startswith("/package"):
            return 200, self.package
        location = f"{self.url}/package?X-Amz-Signature={SIGNATURE}"
        return 200, json.dumps({"Code": {"Location": location}}).encode()


@pytest.fixture
def running() -> Iterator[Running]:
    state = Running()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = state.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status == 404:
                self.send_header("x-amzn-ErrorType", "ResourceNotFoundException")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        state.url = f"http://127.0.0.1:{server.server_port}"
        yield state
        server.shutdown()
        thread.join()


@dataclass
class Desk:
    """A PATH with programs that write down how they were called, and fail where they shall."""

    folder: Path
    running: Running

    def program(self, name: str) -> None:
        # What `--against` names is kept, for it is gone afterwards.
        text = f"""#!/bin/sh
        echo "{name} $*" >> {self.folder}/calls
        echo "{name} $1: ${{CPLUS_MONGO_URI:-}}" >> {self.folder}/uris
        [ "$2" = --against ] && cp "$3" {self.folder}/against
        [ ! -e "{self.folder}/fail-{name}-$1" ]
        """
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)

    def environment(self, uri: str) -> dict[str, str]:
        return {
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "CPLUS_MONGO_URI": uri,
            "AWS_ENDPOINT_URL_LAMBDA": self.running.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "key-of-the-account",
        }

    def deploy(self, *arguments: str, uri: str = URI) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, ROOT / "scripts" / "deploy.py", *arguments],
            env=self.environment(uri), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    @property
    def steps(self) -> list[str]:
        """What was called, in order: program and first argument."""
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [" ".join(line.split()[:2]) for line in lines]


@pytest.fixture
def desk(tmp_path: Path, running: Running) -> Desk:
    made = Desk(tmp_path, running)
    for name in ("make", "cplus", "osls"):
        made.program(name)
    return made


STEPS = ["make package", "cplus prove", "cplus migrate", "osls deploy"]


def test_the_new_code_is_proved_against_the_running_package_before_it_is_deployed(
    desk: Desk,
) -> None:
    done = desk.deploy("prod")
    assert done.returncode == 0, done.stderr
    assert desk.steps == STEPS
    assert (desk.folder / "against").read_bytes() == desk.running.package
    last = (desk.folder / "calls").read_text().splitlines()[-1]
    assert last == "osls deploy --stage prod --package build/lambda/prod"
    service = yaml.safe_load((ROOT / "serverless.yml").read_text("utf-8"))["service"]
    assert desk.running.asked[0].endswith(f"/functions/{service}-prod-project-conversations")
    said = done.stdout + done.stderr
    for secret in (SIGNATURE, "password-of-the-database", "key-of-the-account"):
        assert secret not in said
    uris = (desk.folder / "uris").read_text().splitlines()
    assert [line.endswith(URI) for line in uris] == [False, True, True, False]


@pytest.mark.parametrize("step", STEPS)
def test_nothing_follows_a_step_that_failed(desk: Desk, step: str) -> None:
    (desk.folder / f"fail-{step.replace(' ', '-')}").touch()
    done = desk.deploy("dev")
    assert done.returncode == 1
    assert desk.steps == STEPS[: STEPS.index(step) + 1]
    assert f"stopped: {step.split()[1]} ended" in done.stderr


def test_a_stage_where_nothing_runs_is_deployed_only_by_who_says_so(desk: Desk) -> None:
    desk.running.package = None
    refused = desk.deploy("dev")
    assert refused.returncode == 1
    assert "--first" in refused.stderr
    assert desk.steps == []
    assert desk.deploy("dev", "--first").returncode == 0
    assert desk.steps == [step for step in STEPS if step != "cplus prove"]


def test_what_cannot_be_deployed_is_said_before_anything_is_built(desk: Desk) -> None:
    assert "CPLUS_MONGO_URI" in desk.deploy("dev", uri="").stderr
    assert desk.deploy("elsewhere").returncode == 2
    assert desk.steps == []


@pytest.fixture
async def mongo(mongo_uri: str, database_name: str) -> AsyncIterator[Mongo]:
    """A log of one shop."""
    settings = Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=database_name)
    made = connect(settings)
    await ensure_log_indexes(made.database)
    page = ImportPageLoaded(import_id="i1", page=1, customers=1)
    told = (installed("Acorn", ("read_orders",)), ImportStarted(import_id="i1"), page)
    await write(EventStore(made), *told, shop="acorn.myshopify.com")
    yield made
    await made.close()


async def test_code_that_makes_other_rows_than_the_running_package_is_not_deployed(
    mongo: Mongo, mongo_uri: str, desk: Desk, tmp_path: Path
) -> None:
    (desk.folder / "cplus").write_text(f'#!/bin/sh\nexec {sys.executable} -m cplus.cli "$@"\n')
    project = copied(tmp_path / "code")
    environment = desk.environment(mongo_uri) | {"CPLUS_MONGO_DATABASE": mongo.database.name}

    archive = io.BytesIO()
    edited(project, "models/shops.py", '["pages"] += 1', '["pages"] += 2')
    with zipfile.ZipFile(archive, "w") as package:
        for path in sorted(project.rglob("*.py")):
            package.write(path, path.relative_to(project))
    desk.running.package = archive.getvalue()
    process = await asyncio.create_subprocess_exec(
        sys.executable, ROOT / "scripts" / "deploy.py", "dev", "--workers", "1",
        env=environment, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1, err
    assert b"shops acorn.myshopify.com/import/i1: differs in pages" in out
    assert desk.steps == ["make package"]
