"""The gateway speaks as API Gateway does, in payload format 2.0."""

from __future__ import annotations

import asyncio
import base64
import io
import time
import uuid
from typing import Any

import aiohttp
from yarl import URL

from cplus.local.application import Route
from tests.integration.lambda_runner.bench import Bench, eventually, function


async def test_a_request_becomes_an_event_of_payload_format_2(bench: Bench) -> None:
    spec = function("echo", routes=(Route("POST /things/{id}"), Route("$default")))
    runner = await bench.run(spec)
    async with aiohttp.ClientSession() as http:
        answer = await http.post(
            URL(f"{runner.gateway_url}/things/a%20b?x=1&x=2&y=%2F", encoded=True),
            data='{"name": "ü"}'.encode(),
            headers=[
                ("Content-Type", "application/json"),
                ("X-Twice", "1"),
                ("X-Twice", "2"),
                ("Cookie", "a=1; b=2"),
                ("User-Agent", "shopper"),
            ],
            allow_redirects=False,
        )
        assert answer.status == 200
        event = await answer.json()
    assert event["version"] == "2.0"
    assert event["routeKey"] == "POST /things/{id}"
    assert event["rawPath"] == "/things/a b"
    assert event["rawQueryString"] == "x=1&x=2&y=%2F"
    assert event["queryStringParameters"] == {"x": "1,2", "y": "/"}
    assert event["pathParameters"] == {"id": "a b"}
    assert event["headers"]["x-twice"] == "1,2"
    assert "cookie" not in event["headers"]
    assert event["cookies"] == ["a=1", "b=2"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"name": "ü"}', False)
    context = event["requestContext"]
    assert context["http"] == {
        "method": "POST",
        "path": "/things/a b",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "shopper",
    }
    assert uuid.UUID(context["requestId"])
    assert abs(context["timeEpoch"] / 1000 - time.time()) < 30


async def test_bytes_and_cookies_pass_both_ways(bench: Bench) -> None:
    runner = await bench.run(function("echo", routes=(Route("$default"),)))
    body = bytes(range(256)) * 40
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        answer = await http.post(f"{runner.gateway_url}/binary", data=body)
        assert answer.status == 201
        assert await answer.read() == body[::-1]
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["X-Number"] == "7"
        assert answer.headers.getall("Set-Cookie") == ["a=1; Path=/", "b=2; HttpOnly"]
        form = await http.post(f"{runner.gateway_url}/form", data={"a": "b"})
        event = await form.json()
        assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b"a=b", True)
        packed = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        odd = await http.post(f"{runner.gateway_url}/", data=b"\x1f\x8b?", headers=packed)
        assert base64.b64decode((await odd.json())["body"]) == b"\x1f\x8b?"
        broken = await http.post(
            f"{runner.gateway_url}/", data=b'"\xff"', headers={"Content-Type": "text/plain"}
        )
        assert base64.b64decode((await broken.json())["body"]) == b'"\xff"'


async def test_the_gateway_answers_with_api_gateways_statuses(bench: Bench) -> None:
    paths = ("raise", "wait", "bare", "malformed", "{rest+}")
    routes = tuple(Route(f"ANY /{path}") for path in paths)
    spec = function("echo", routes=routes, timeout=60.0)
    hangs = (Route("ANY /hang"), Route("ANY /after"))
    brief = function("brief", handler="handlers.echo", routes=hangs, timeout=3.0)
    runner = await bench.run(spec, brief, cap=1, slot_seconds=0.3)
    async with aiohttp.ClientSession() as http:

        async def status(path: str, **options: Any) -> int:
            async with http.post(runner.gateway_url + path, **options) as answer:
                await answer.read()
                return answer.status

        assert await status("/") == 404
        assert await status("/bare") == 200
        assert await status("/raise") == 500
        assert await status("/malformed") == 500
        assert await status("/any", data=io.BytesIO(b"x" * (10 * 1024 * 1024 + 1))) == 413
        assert (
            await status("/any", data=io.BytesIO(b"x" * (9 * 1024 * 1024))) == 413
        )  # over Lambda's limit
        gate = bench.root / "gate"
        slow = asyncio.create_task(status(f"/wait?path={gate}"))
        await eventually(lambda: runner.status()["echo"].busy == 1)
        assert await status("/any") == 503  # no process came free
        gate.touch()
        assert await slow == 200
        assert await status("/hang") == 503  # it timed out
        assert await status("/after") == 200


async def test_the_most_specific_route_wins(bench: Bench) -> None:
    exact = function("echo", routes=(Route("POST /exact"),))
    rest = function("rest", handler="handlers.echo", routes=(Route("$default"),))
    runner = await bench.run(exact, rest)
    async with aiohttp.ClientSession() as http:
        for method, path, key in [
            ("POST", "/exact", "POST /exact"),
            ("GET", "/exact", "$default"),
            ("POST", "/exact/more", "$default"),
        ]:
            async with http.request(method, runner.gateway_url + path) as answer:
                assert (await answer.json())["routeKey"] == key
