"""What listens on loopback answers the programs of its own user, and of no other."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from cplus.local.peers import only_users, owner
from cplus.local.shopify.server import LocalShopify
from tests.integration.local.processes import strange_answers
from tests.plain_http import plain_http

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose it is")


@asynccontextmanager
async def served(users: Collection[int]) -> AsyncIterator[str]:
    """An address that answers these users."""

    async def say(_: web.Request) -> web.Response:
        return web.Response(text="secret")

    app = web.Application(middlewares=[only_users(users)])
    app.router.add_get("/", say)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(("more", "status"), [(0, 200), (1, 403)])
async def test_a_program_is_answered_by_whose_it_is(more: int, status: int) -> None:
    async with served({os.getuid() + more}) as address, plain_http() as http:
        answer = await http.get(address)
        assert (answer.status_code, "secret" in answer.text) == (status, status == 200)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_connection_that_its_program_closed_is_nobodys(family: socket.AddressFamily) -> None:
    loopback = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}[family]
    with socket.create_server((loopback, 0), family=family) as server:
        with socket.create_connection(server.getsockname()[:2]) as client:
            ends = client.getsockname()[:2], server.getsockname()[:2]
            accepted, _ = server.accept()
            assert owner(*ends) == os.getuid()
        with accepted:
            assert owner(*ends) is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
async def test_another_user_reaches_neither_the_aws_endpoint_nor_the_local_shopify(
    aws_endpoint: str,
) -> None:
    shopify = LocalShopify(client_id="app", client_secret="a secret that is only for tests here")
    await shopify.start()
    asked = [f"{aws_endpoint}/{path}" for path in ("", "_mailbox/messages.json", "_local/state")]
    asked += [f"{shopify.url}/{path}" for path in ("", "_control/shops")]
    try:
        assert await strange_answers(*asked) == [403] * 2 * len(asked)
    finally:
        await shopify.stop()
