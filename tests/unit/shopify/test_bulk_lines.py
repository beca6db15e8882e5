"""The file of a bulk operation is read line by line, from any byte, in bounded memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from cplus.errors import ShopifyUnavailable
from cplus.shopify import AdminClient
from cplus.shopify.bulk import LONGEST_LINE, FileGone, Line, json_of, lines

FILE = b'{"a":1}\n{"a":2}\n\n{"a":3}'
URL = "https://storage.example/file?signature=s"
Answer = Callable[[httpx.Request], httpx.Response]


async def _read(answer: Answer, offset: int = 0, url: str = URL) -> list[Line]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        client = AdminClient(http, "https://{shop}", "2026-10", "a.myshopify.com", "a token")
        return [line async for line in lines(client, url, offset)]


def _ranges(request: httpx.Request) -> httpx.Response:
    begin = int(request.headers["range"].removeprefix("bytes=").removesuffix("-"))
    assert "x-shopify-access-token" not in request.headers
    assert request.headers["accept-encoding"] == "identity"
    return httpx.Response(206 if begin else 200, content=FILE[begin:])


async def test_each_line_says_where_it_ends_and_the_last_that_it_may_be_cut_off() -> None:
    assert await _read(_ranges) == [
        Line(b'{"a":1}\n', 8),
        Line(b'{"a":2}\n', 16),
        Line(b"\n", 17),
        Line(b'{"a":3}', 24, whole=False),
    ]


@pytest.mark.parametrize("offset", [8, 16, 17])
async def test_reading_goes_on_at_the_end_of_any_line(offset: int) -> None:
    found = await _read(_ranges, offset)
    assert found == [line for line in await _read(_ranges) if line.end > offset]


async def test_a_server_that_knows_no_ranges_is_read_from_there_too() -> None:
    whole = await _read(lambda _request: httpx.Response(200, content=FILE), 16)
    assert whole == await _read(_ranges, 16)


@pytest.mark.parametrize("size", [1, 3, 7, 8, 100])
async def test_lines_do_not_depend_on_how_the_bytes_arrive(size: int) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(FILE), size):
            yield FILE[start : start + size]

    found = await _read(lambda _request: httpx.Response(200, content=parts()), 8)
    assert found == await _read(_ranges, 8)


async def test_a_line_that_is_too_long_is_dropped_and_the_next_is_read() -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * (LONGEST_LINE // 4)
        yield b'\n{"a":2}\n'

    first, second = await _read(lambda _request: httpx.Response(200, content=parts()))
    assert (first.text, json_of(first)) == (b"", None)
    assert json_of(second) == {"a": 2}
    assert second.end == 5 * (LONGEST_LINE // 4) + 9


async def test_behind_the_end_there_is_nothing() -> None:
    assert await _read(lambda _request: httpx.Response(416), 24) == []


@pytest.mark.parametrize("status", [400, 403, 404, 410])
async def test_a_file_whose_time_is_over_is_gone(status: int) -> None:
    with pytest.raises(FileGone):
        await _read(lambda _request: httpx.Response(status))


@pytest.mark.parametrize("status", [302, 429, 500, 503])
async def test_a_server_that_gives_no_file_is_worth_another_try(status: int) -> None:
    with pytest.raises(ShopifyUnavailable, match=str(status)):
        await _read(lambda _request: httpx.Response(status, headers={"Location": "https://b"}))


async def test_a_connection_that_breaks_off_is_no_end() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield FILE[:10]
        raise httpx.ReadError("broken off")

    with pytest.raises(ShopifyUnavailable, match="ReadError"):
        await _read(lambda _request: httpx.Response(200, content=parts()))


@pytest.mark.parametrize(
    "url", ["http://storage.example/file", "file:///etc/passwd", "https:///file", "file", ""]
)
async def test_a_file_is_fetched_only_as_shopify_itself_is(url: str) -> None:
    with pytest.raises(ShopifyUnavailable, match="another kind"):
        await _read(_ranges, url=url)


@pytest.mark.parametrize("url", ["https://[", "https://files.example:999999/", "https://a\x00b/"])
async def test_an_address_that_cannot_be_read_is_worth_another_try(url: str) -> None:
    with pytest.raises(ShopifyUnavailable, match="cannot be read"):
        await _read(_ranges, url=url)
