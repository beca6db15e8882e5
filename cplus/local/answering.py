"""Whether it is the process that was started which answers on a port, and not somebody else's."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import aiohttp
from aiohttp import web

_PATH = "/_local/pid"


def pid_route() -> web.RouteDef:
    """The route by which an HTTP part of the stack says which process it is."""
    return web.get(_PATH, _say_pid)


async def _say_pid(_: web.Request) -> web.Response:
    return web.Response(text=str(os.getpid()))


async def answering_as(port: int, pid: Callable[[], int], interval: float = 0.02) -> None:
    """Returns when the process `pid()` answers on `port` of this machine.

    Two stacks that start in one moment may pick one port: who lost it must not take the other's
    server for its own.
    """
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}{_PATH}") as answer:
                    if answer.status == 200 and await answer.text() == str(pid()):
                        return
            except (aiohttp.ClientError, OSError):
                pass
            await asyncio.sleep(interval)
