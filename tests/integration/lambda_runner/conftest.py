from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import boto3
import pytest

from tests.integration.lambda_runner.bench import REGION, Aws, Bench


@pytest.fixture(scope="package")
def aws() -> Iterator[Aws]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        endpoint = f"http://127.0.0.1:{port}"
        sqs = boto3.client(
            "sqs",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        yield Aws(endpoint, sqs)
        sqs.close()
    finally:
        server.kill()
        server.wait()


@pytest.fixture
async def bench(tmp_path: Path, aws: Aws) -> AsyncIterator[Bench]:
    (tmp_path / "empty").mkdir()
    bench = Bench(tmp_path, aws.endpoint)
    yield bench
    for runner in bench.runners:
        await runner.stop()
