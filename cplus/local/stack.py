"""The whole system on one machine: MongoDB, AWS, a Shopify, and the functions."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from cplus.local.answering import answering_as
from cplus.local.aws import AwsEndpoint
from cplus.local.mongod import Mongod
from cplus.local.process import Child, PartFailed, PortTaken, end_leftover, free_port
from cplus.local.state import BRIDGE, CLIENT_SECRET, Directory, StackInfo
from cplus.local.waiting import timed

if TYPE_CHECKING:
    from cplus.local.application import Application
    from cplus.local.lambdas import Runner
    from cplus.settings import Settings

MAIL_DOMAIN = "mail.cplus.example"
_DRAIN = 30.0  # seconds that a stop waits for the queues to drain
# In the command line of a process that a killed stack left behind, besides the directory.
_MARKS = {"mongod": "--replSet", "aws": "cplus.local.aws", "shopify": "cplus.local.shopify"}

Told = Callable[[str, float], None]


def _tell_nobody(_name: str, _seconds: float) -> None:
    return None


class Stack:
    """One stack over one data directory.

    `async with Stack(data) as stack:` starts it, writes stack.json, and stops it; or `start`,
    `publish` and `stop`. `told(name, seconds)` is called for each part that is ready, and
    `waits(name, seconds)` now and then for one that takes long. `cap` is the maximum number of
    processes per function. Raises AlreadyRunning, PortTaken, MongodMissing and
    PartFailed on start.
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int = 0,
        idle_seconds: float = 60.0,
        cap: int = 2,
        told: Told = _tell_nobody,
        waits: Told = _tell_nobody,
        variables: Mapping[str, str] = os.environ,
    ) -> None:
        self.directory = Directory(data)
        self.data = self.directory.data
        self.mongod: Mongod
        self.aws: AwsEndpoint
        self.shopify: Child
        self.runner: Runner
        self.application: Application
        self.settings: Settings
        self.info: StackInfo
        self.shopify_url = self.admin_url = ""
        self.lost: dict[str, int] = {}  # messages lost by a kill, by queue: upper bounds
        self.left = ""
        self.dead_letters: dict[str, int] = {}  # by queue, found by the last stop
        self._port = port
        self._options = {"cap": cap, "idle_seconds": idle_seconds}
        self._told, self._waits = told, waits
        self._variables = variables
        self._parts: list[Child] = []
        self._running = False

    async def __aenter__(self) -> Self:
        await self.start()
        self.publish()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # After a failure, do not wait for the queues.
        await self.stop(drain=0.0 if error else _DRAIN)

    async def start(self) -> None:
        """Starts every part, in parallel if they do not depend on each other."""
        self.directory.hold()
        try:
            self._end_leftovers()
            await self._start()
        except BaseException:
            await self.stop(drain=0.0)
            raise

    def publish(self, shops: tuple[str, ...] = ()) -> StackInfo:
        """Writes stack.json; `shops` are the hosts that have the app installed."""
        queues, buckets, topics = self._names
        self.info = StackInfo(
            web=self.settings.app_url,
            aws=self.aws.endpoint,
            mongo=self.mongod.uri,
            database=self.settings.mongo_database,
            shopify=self.shopify_url,
            queues=queues,
            buckets=buckets,
            topics=topics,
            kms_key_id=self.settings.kms_key_id,
            client_id=self.settings.shopify_client_id,
            client_secret=self.settings.secret("shopify_client_secret"),
            shops=shops,
            pids=self._pids(),
        )
        self.directory.publish(self.info)
        return self.info

    async def stop(self, drain: float = _DRAIN) -> None:
        """Lets the queues drain, for at most `drain` seconds, then stops every part.

        Afterwards `left` says what was left in the queues, and `dead_letters` has the dead
        letters, which the next start has again.
        """
        if self._running:
            self._running = False
            if drain:
                try:
                    await self.runner.drain(drain)
                except Exception as error:  # noqa: BLE001 - whatever it is, the stop goes on
                    self.left = str(error)
            await self.runner.stop()
            with contextlib.suppress(OSError, ValueError):  # it may be down at this moment
                self.dead_letters = await self.aws.dead_letters()
        await asyncio.gather(*(part.stop() for part in self._parts))
        self.directory.release()

    def kill(self, part: str) -> None:
        """Kills "mongod", "aws" or "shopify" like `kill -9`; it is restarted."""
        next(child for child in self._parts if child.name == part).kill()

    def end_at_once(self) -> None:
        """Kills every permanent part without waiting."""
        for child in self._parts:
            child.abandon()

    def failure(self) -> PartFailed | None:
        """The failure of a part that could not be restarted, if any."""
        return next((child.failure for child in self._parts if child.failure), None)

    async def _start(self) -> None:
        wanted = self.directory.ports()
        self.mongod = Mongod(
            self.data,
            port=free_port(wanted.get("mongod", 0)),
            environment=self._variables,
            again=self._noted,
        )
        self.aws = AwsEndpoint(
            self.data, port=free_port(wanted.get("aws", 0)), again=self._make_again
        )
        web = free_port(self._port or wanted.get("web", 0))
        if self._port and web != self._port:
            raise PortTaken(port=self._port)
        shopify = free_port(wanted.get("shopify", 0))
        self.shopify_url = f"http://127.0.0.1:{shopify}"
        self.admin_url = f"http://localhost:{shopify}"
        self._configure(f"http://127.0.0.1:{web}")
        self.directory.keep_ports(
            {"mongod": self.mongod.port, "aws": self.aws.port, "web": web, "shopify": shopify}
        )
        self.shopify = self._shopify_part(shopify)
        self._parts = [c for c in (self.mongod.child, self.aws.child, self.shopify) if c]
        await _all(
            self._timed("mongod", self._start_mongod()),
            self._timed("aws", self._start_aws()),
            self._timed("shopify", self.shopify.start()),
            asyncio.to_thread(_preload),
        )
        await self._noted()
        await self._timed("functions", self._start_functions(web))

    async def _start_mongod(self) -> None:
        await self.mongod.start()
        from cplus.bootstrap import ensure_indexes

        await ensure_indexes(self.settings)

    async def _start_aws(self) -> None:
        await self.aws.start()
        self.lost = await self.aws.lost()
        await self._create_resources()

    async def _start_functions(self, port: int) -> None:
        from cplus.local.lambdas import LIBRARIES, Runner

        self.runner = Runner(
            self.application,
            environment=self._function_environment,
            endpoint=self.aws.endpoint,
            data=self.data,
            port=port,
            cap=int(self._options["cap"]),
            idle_seconds=self._options["idle_seconds"],
            libraries=LIBRARIES,
        )
        self._running = True
        await self.runner.start()

    def _configure(self, app_url: str) -> None:
        """Reads serverless.yml and creates the settings of this stack."""
        from cplus.local.configuration import configured, read_application
        from cplus.local.resources import short_names

        self.application = read_application(self.aws.endpoint, MAIL_DOMAIN)
        self._names = short_names(self.application)
        kept = self.directory.secrets()
        database = self._variables.get("CPLUS_MONGO_DATABASE") or "cplus"
        own = {
            "CPLUS_MONGO_URI": self.mongod.uri,
            "CPLUS_MONGO_DATABASE": database,
            "CPLUS_MONGO_KEYRING_DATABASE": f"{database}_keyring",
            "CPLUS_SHOPIFY_CLIENT_ID": kept.client_id,
            CLIENT_SECRET: kept.client_secret,
            "CPLUS_SHOPIFY_ORIGIN": f"{self.shopify_url}/{{shop}}",
            "CPLUS_SHOPIFY_ADMIN_ORIGIN": self.admin_url,
            "CPLUS_APP_BRIDGE_URL": f"{self.admin_url}{BRIDGE}",
            "CPLUS_APPLICATION_SECRET": kept.application_secret,
            "CPLUS_OPERATOR_TOKEN": kept.operator_token,
            "CPLUS_MAIL_DOMAIN": MAIL_DOMAIN,
            # The endpoint is a name server too, with the same port by UDP.
            "CPLUS_DNS": urlsplit(self.aws.endpoint).netloc,
            "CPLUS_APP_URL": app_url,
            "CPLUS_PUSH_ORIGIN": self.aws.endpoint,
        }
        self._function_environment, self.settings = configured(
            self.application, own, self.aws.endpoint
        )

    def _shopify_part(self, port: int) -> Child:
        async def ready() -> None:
            await answering_as(port, lambda: part.pid)

        part = Child(
            "shopify",
            [
                *(sys.executable, "-m", "cplus.local.shopify", "--port", str(port)),
                *("--data", str(self.data / "shopify"), "--app-url", self.settings.app_url),
                *("--client-id", self.settings.shopify_client_id),
                *("--app", str(self.application.root / "shopify.app.toml")),
            ],
            environment={CLIENT_SECRET: self.settings.secret("shopify_client_secret")},
            log=self.data / "logs" / "shopify.log",
            ready=ready,
            again=self._noted,
        )
        return part

    async def _make_again(self) -> None:
        """Called after the AWS endpoint was restarted: it has only kept its objects."""
        self.lost = await self.aws.lost()
        await self._create_resources()
        await self._noted()

    async def _create_resources(self) -> None:
        from cplus.local.resources import create

        await asyncio.to_thread(create, self.application, self.aws.endpoint, MAIL_DOMAIN)

    async def _noted(self) -> None:
        """Records which processes are running."""
        self.directory.keep_pids(self._pids())
        if hasattr(self, "info"):
            self.publish(self.info.shops)

    def _pids(self) -> dict[str, int]:
        return {**{child.name: child.pid for child in self._parts}, "stack": os.getpid()}

    def _end_leftovers(self) -> None:
        for name, pid in self.directory.pids().items():
            if name in _MARKS:
                end_leftover(pid, (_MARKS[name], str(self.data)))

    async def _timed(self, name: str, work: Awaitable[None]) -> None:
        self._told(name, await timed(work, partial(self._waits, name)))


async def _all(*works: Awaitable[None]) -> None:
    """Waits for all, then raises the first error, so that none keeps running unnoticed."""
    for outcome in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


def _preload() -> None:
    """Imports heavy modules while the processes start."""
    import boto3  # noqa: F401 - only so that it is loaded
