"""The process of the AWS endpoint, and clients for it."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from cplus.local.answering import answering_as
from cplus.local.process import Child, do_nothing, free_port

ACCOUNT = "123456789012"
REGION = "us-east-1"
KMS_KEY = "0c0a0e0d-0000-4000-8000-00000000cafe"
"""The id of the one key of KMS, which every alias of a stack stands for."""


class AwsEndpoint:
    """The endpoint over one data directory. `again` recreates the resources after a restart."""

    def __init__(
        self,
        data: Path,
        *,
        port: int = 0,
        again: Callable[[], Awaitable[None]] = do_nothing,
    ) -> None:
        self.port = port or free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "cplus.local.aws", "--port", str(self.port)]
        self.child = Child(
            "aws",
            [*command, "--data", str(data)],
            log=data / "logs" / "aws.log",
            ready=self._listening,
            again=again,
        )

    @property
    def pid(self) -> int:
        """The current process id."""
        return self.child.pid

    async def start(self) -> None:
        """Returns once it answers; raises PartFailed if it does not."""
        await self.child.start()

    async def stop(self) -> None:
        """Stops the process cleanly."""
        await self.child.stop()

    def kill(self) -> None:
        """Kills the process like `kill -9`; it is restarted."""
        self.child.kill()

    async def lost(self) -> dict[str, int]:
        """What the last kill lost: {queue: upper bound of messages}."""
        found: dict[str, int] = (await self._state())["lost"]
        return found

    async def depths(self) -> dict[str, int]:
        """The current number of messages per queue, in flight or not."""
        found: dict[str, int] = (await self._state())["queues"]
        return found

    async def dead_letters(self) -> dict[str, int]:
        """The number of dead letters per queue that has any."""
        found: dict[str, int] = (await self._state())["dead_letters"]
        return found

    async def calls(self) -> dict[str, int]:
        """The number of calls since the process started: {"sqs:SendMessage": 7, …}."""
        found: dict[str, int] = (await self._state())["calls"]
        return found

    async def _listening(self) -> None:
        await answering_as(self.port, lambda: self.pid)

    async def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = await asyncio.to_thread(_get_json, f"{self.endpoint}/_local/state")
        return state


def _get_json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - http on loopback
        return json.load(answer)


def environment(endpoint: str) -> dict[str, str]:
    """The environment variables that make every AWS client use `endpoint`."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        # No personal profile and no metadata service: nothing leaves this machine.
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def options(endpoint: str) -> dict[str, str]:
    """The options of a client of `endpoint`, for `cplus.aws.Aws`."""
    return {
        "endpoint_url": endpoint,
        "region_name": REGION,
        "aws_access_key_id": "testing",
        "aws_secret_access_key": "testing",
    }


@lru_cache(maxsize=64)
def client(service: str, endpoint: str) -> Any:
    """A boto3 client of `service` at `endpoint`; safe to use from several threads."""
    import boto3
    from botocore.config import Config

    return boto3.Session().client(
        service,
        **options(endpoint),
        config=Config(max_pool_connections=32, retries={"max_attempts": 3, "mode": "standard"}),
    )
