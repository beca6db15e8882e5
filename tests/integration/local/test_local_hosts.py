"""A page of another site whose name resolves to this machine reaches nothing of the stack."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from cplus.local.hosts import is_known
from cplus.local.lambdas.gateway import Gateway
from cplus.local.shopify.server import LocalShopify
from tests.plain_http import plain_http

PLACES = ["gateway /inbox", "aws /_mailbox", "aws /", "shopify /", "shopify /_control/shops"]


@pytest.fixture(scope="module")
async def addresses(aws_endpoint: str) -> AsyncIterator[dict[str, str]]:
    async def call(*_: object) -> bytes:
        return b'{"statusCode": 200, "body": "inbox"}'

    gateway = Gateway({"GET /inbox": "web"}, call, account="123456789012")
    shopify = LocalShopify(client_id="app", client_secret="a secret that is only for tests here")
    await gateway.start("127.0.0.1", 0)
    await shopify.start()
    yield {"gateway": gateway.url, "aws": aws_endpoint, "shopify": shopify.url}
    await shopify.stop()
    await gateway.stop()


@pytest.mark.parametrize("place", PLACES)
async def test_only_this_machines_own_names_are_answered(
    addresses: dict[str, str], place: str
) -> None:
    part, path = place.split(" ")
    port = httpx.URL(addresses[part]).port
    async with plain_http() as http:
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", "LOCALHOST"):
            answer = await http.get(addresses[part] + path, headers={"Host": host})
            assert answer.status_code == 200, host
        for host in (f"rebound.example:{port}", f"127.0.0.1.rebound.example:{port}", "10.0.0.1"):
            answer = await http.get(addresses[part] + path, headers={"Host": host})
            assert (answer.status_code, answer.headers["content-type"]) == (
                421,
                "text/plain; charset=utf-8",
            ), host
            sent = await http.post(addresses[part] + path, headers={"Host": host}, content=b"x")
            assert sent.status_code == 421


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:8080", True),
        ("[::1]:8080", True),
        ("localhost.", True),
        ("bucket.localhost:9", True),
        ("app.test:443", True),
        ("app.test.evil.example", False),
        ("evil.example", False),
        ("evil.example#.localhost", False),
        ("localhost@evil.example", False),
        ("0.0.0.0", False),
        ("[::1", False),
        ("", False),
    ],
)
def test_a_name_is_known_by_loopback_or_by_the_setting(host: str, known: bool) -> None:
    assert is_known(host, "app.test") is known


@pytest.mark.parametrize(
    "named",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[::1"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/_mailbox", "/moto-api/data.json", "/moto-api/reset"])
async def test_a_page_of_another_site_is_told_nothing_and_moves_nothing(
    addresses: dict[str, str], path: str, named: dict[str, str]
) -> None:
    async with plain_http(base_url=addresses["aws"], headers=named) as http:
        for method in ("GET", "POST", "OPTIONS"):
            answer = await http.request(method, path)
            assert answer.status_code == 403, method
            assert "access-control-allow-origin" not in answer.headers
    own = {"Origin": addresses["aws"], "Sec-Fetch-Site": "same-origin"}
    async with plain_http(base_url=addresses["aws"], headers=own) as http:
        assert (await http.get("/_mailbox")).status_code == 200


async def test_a_page_of_another_site_cannot_control_the_local_shopify(
    addresses: dict[str, str],
) -> None:
    url = addresses["shopify"]
    text = {"Content-Type": "text/plain"}  # what a page may send without asking first
    async with plain_http(base_url=url) as http:
        for named in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            for path in ("shops", "webhooks", "uninstall", "session_token", "faults"):
                sent = await http.post(f"/_control/{path}", headers={**text, **named}, content="{}")
                assert sent.status_code == 403, path
            for path in ("/", "/_control/shops"):
                read = await http.get(path, headers={**named, "Sec-Fetch-Mode": "no-cors"})
                assert read.status_code == 403, path
        framed = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
        link = {**framed, "Sec-Fetch-Dest": "document"}
        for told, status in ((framed, 403), (link, 200)):
            answer = await http.get("/", headers={"Sec-Fetch-Site": "cross-site", **told})
            assert answer.status_code == status
        posted = await http.post("/", headers={"Sec-Fetch-Site": "cross-site", **link})
        assert posted.status_code == 403
        own = await http.get("/", headers={"Origin": url, "Sec-Fetch-Site": "same-origin"})
        assert own.status_code == 200
