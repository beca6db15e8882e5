"""Combining: what waits at the same time is asked in one question, and nobody harms another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from cplus.combiner import Combiner


class Server:
    """Answers each number with its double, when it is let go; knows what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.at_once = self.most_at_once = self.cancelled = 0
        self.go = asyncio.Event()

    async def answer(self, numbers: list[int]) -> Sequence[int | Exception]:
        self.asked.append(numbers)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.at_once -= 1
        if -1 in numbers:
            raise ConnectionError("cut")
        return [ValueError("odd one") if number == 13 else number * 2 for number in numbers]


async def turns(number: int = 5) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def asking(combiner: Combiner[int, int], *numbers: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(combiner.ask(number)) for number in numbers]
    await turns()
    return tasks


async def test_who_asks_alone_is_asked_for_at_once() -> None:
    server = Server()
    [task] = await asking(Combiner(server.answer, room=100), 1)
    assert server.asked == [[1]]
    server.go.set()
    assert await task == 2


async def test_who_waits_at_the_same_time_is_asked_for_in_one_question() -> None:
    server = Server()
    combiner = Combiner(server.answer, groups=1, room=100)
    tasks = [
        *(await asking(combiner, 1)),
        *(await asking(combiner, 2, 3)),
        *(await asking(combiner, 4)),
    ]
    server.go.set()
    assert await asyncio.gather(*tasks) == [2, 4, 6, 8]
    assert server.asked == [[1], [2, 3, 4]]


async def test_no_more_questions_are_under_way_than_allowed() -> None:
    server = Server()
    combiner = Combiner(server.answer, groups=2, room=1)
    tasks = await asking(combiner, *range(9))
    assert server.asked == [[0], [1]]
    server.go.set()
    assert await asyncio.gather(*tasks) == [number * 2 for number in range(9)]
    assert server.most_at_once == 2


async def test_a_question_is_no_larger_than_its_room_but_for_one_item_alone() -> None:
    server = Server()
    combiner = Combiner(server.answer, groups=1, room=10, size=lambda number: number)
    server.go.set()
    tasks = await asking(combiner, 4, 5, 6, 12, 1)
    assert await asyncio.gather(*tasks) == [8, 10, 12, 24, 2]
    assert server.asked == [[4, 5], [6], [12], [1]]


async def test_who_is_cancelled_takes_nothing_from_the_others() -> None:
    server = Server()
    combiner = Combiner(server.answer, groups=1, room=100)
    under_way = await asking(combiner, 1, 2)
    waiting = await asking(combiner, 3, 4)
    under_way[0].cancel()
    waiting[0].cancel()
    await turns()
    server.go.set()
    assert [await one for one in (under_way[1], waiting[1])] == [4, 8]
    assert server.asked == [[1, 2], [4]]
    assert server.cancelled == 0


async def test_a_question_that_nobody_waits_for_is_cancelled_and_the_next_one_goes() -> None:
    server = Server()
    combiner = Combiner(server.answer, groups=1, room=100)
    given_up = await asking(combiner, 1, 2)
    [next_one] = await asking(combiner, 3)
    for task in given_up:
        task.cancel()
    await turns()
    assert server.cancelled == 1
    server.go.set()
    assert await next_one == 6


async def test_an_error_of_one_is_raised_to_that_one_only() -> None:
    server = Server()
    server.go.set()
    tasks = await asking(Combiner(server.answer, room=100), 1, 13, 2)
    with pytest.raises(ValueError, match="odd one"):
        await tasks[1]
    assert [await task for task in (tasks[0], tasks[2])] == [2, 4]


async def test_an_error_of_the_question_is_raised_to_all_who_asked_it_and_to_nobody_else() -> None:
    server = Server()
    combiner = Combiner(server.answer, groups=1, room=100)
    cut = await asking(combiner, -1, 1)
    later = await asking(combiner, 2)
    server.go.set()
    for task in cut:
        with pytest.raises(ConnectionError):
            await task
    assert await later[0] == 4
