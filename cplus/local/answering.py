"""Checks that the process that was started, and no other, answers on a port."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import aiohttp
from aiohttp import web

_PATH = "/_local/pid"


def pid_route() -> web.RouteDef:
    """The route on which an HTTP part of the stack reports its process id."""
    return web.get(_PATH, _say_pid)


async def _say_pid(_: web.Request) -> web.Response:
    return web.Response(text=str(os.getpid()))


async def answering_as(port: int, pid: Callable[[], int], interval: float = 0.02) -> None:
    """Returns once the process `pid()` answers on `port` of this machine.

    Two stacks that start at the same time may pick the same port: the one that lost must not
    mistake the other's server for its own.
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
