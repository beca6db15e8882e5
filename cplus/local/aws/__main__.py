"""`python -m cplus.local.aws --port N --data DIR`: runs the AWS endpoint until it is stopped."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from pathlib import Path

import click
from aiohttp import web

from cplus.local.aws.email.names import NamesProtocol
from cplus.local.aws.server import Server


async def _serve(port: int, data: Path) -> None:
    server = Server(data)
    # Loaded modules stay; the garbage collector need not scan them again.
    gc.freeze()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    # A receive whose caller is gone must not take a message from the queue.
    runner = web.AppRunner(
        server.app(), access_log=None, handler_cancellation=True, shutdown_timeout=0.2
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    # The name server has the same port, by UDP.
    names, _ = await loop.create_datagram_endpoint(
        lambda: NamesProtocol(server.names), local_addr=("127.0.0.1", port)
    )
    click.echo(f"ready on http://127.0.0.1:{port}, {server.loaded} objects loaded")
    await ended.wait()
    names.close()
    server.close()
    await runner.cleanup()


@click.command()
@click.option("--port", type=int, required=True, help="Port on 127.0.0.1")
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="Directory of what is kept"
)
def main(port: int, data: Path) -> None:
    """Serves AWS on this machine: SQS, SNS, S3 with objects on disk, and mail that is not
    delivered."""
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    asyncio.run(_serve(port, data))


if __name__ == "__main__":
    main()
