"""What every benchmark shares: rounds that alternate, ratios with their spread, one JSON file."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from cplus.bootstrap import Parts, ensure_indexes
from cplus.local.mongod import Mongod
from cplus.logs import configure

B = TypeVar("B")
Work = Callable[[], Awaitable[int]]
Making = Callable[[], Work]

RESULTS = Path(__file__).with_name("results")


@dataclass(frozen=True)
class Figure:
    """One line of a results file."""

    name: str
    value: float | None
    unit: str
    ratio: float | None
    """Ours to the baseline in the same run."""
    baseline: str
    goal: str
    met: bool | None
    rounds: int
    spread: tuple[float, float] | None
    """The quarter and three-quarter marks of the ratio over the rounds."""


def figure(
    name: str,
    unit: str,
    pairs: Sequence[tuple[float, float]],
    baseline: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Figure:
    """A figure of rounds of (ours, the baseline), each a rate or each a cost."""
    ratios = [ours / theirs for ours, theirs in pairs]
    ratio = statistics.median(ratios)
    marks = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else [ratio] * 3
    goal, met = "none: a comparison", None
    if at_least is not None:
        goal, met = f"at least {at_least:g}", ratio >= at_least
    elif at_most is not None:
        goal, met = f"at most {at_most:g}", ratio <= at_most
    value = statistics.median(ours for ours, _ in pairs)
    spread = (round(marks[0], 3), round(marks[2], 3))
    return Figure(
        name, round(value, 3), unit, round(ratio, 3), baseline, goal, met, len(pairs), spread
    )


def plain(
    name: str, value: float, unit: str, goal: str = "none: as it is", rounds: int = 1
) -> Figure:
    """A figure with no baseline."""
    return Figure(name, round(value, 2), unit, None, "", goal, None, rounds, None)


async def rate(work: Work) -> float:
    """How many a second the work does; it answers how many it did."""
    began = time.perf_counter()
    done = await work()
    return done / (time.perf_counter() - began)


async def alternate(rounds: int, ours: Making, theirs: Making) -> list[tuple[float, float]]:
    """Rates of ours and theirs, in turn, whoever begins changing each round; one round unheard.

    Each is called for the work of a round, which makes its input, and then the work is timed.
    """
    pairs = []
    for number in range(rounds + 1):
        if number % 2:
            mine, other = await rate(ours()), await rate(theirs())
        else:
            other, mine = await rate(theirs()), await rate(ours())
        if number:
            pairs.append((mine, other))
    return pairs


def write(
    name: str, parts: Mapping[str, Sequence[Figure]], *, keep: bool = False, **about: Any
) -> None:
    """Writes bench/results/NAME.json and prints the same as a table.

    Each line says which part of the benchmark it is from, and what was special about its run under
    "run". With `keep`, the lines of parts that were not measured in this run stay.
    """
    from rich.console import Console
    from rich.table import Table

    run = {
        "at": datetime.now(UTC).isoformat(timespec="minutes"),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        **about,
    }
    RESULTS.mkdir(exist_ok=True)
    lines = [
        {"part": part, **asdict(one), "run": run} for part, some in parts.items() for one in some
    ]
    path = RESULTS / f"{name}.json"
    if keep and path.exists():
        before = json.loads(path.read_text("utf-8"))
        lines = [line for line in before if line["part"] not in parts] + lines
    path.write_text(json.dumps(lines, indent=1) + "\n", "utf-8")
    table = Table("what", "value", "ratio", "spread", "goal", "met", "rounds", "to")
    for one in itertools.chain(*parts.values()):
        table.add_row(
            one.name,
            f"{one.value:,} {one.unit}" if one.value is not None else "",
            f"{one.ratio}" if one.ratio is not None else "",
            "–".join(map(str, one.spread or ())),
            one.goal,
            {True: "yes", False: "NO", None: ""}[one.met],
            str(one.rounds),
            one.baseline,
        )
    Console(width=200).print(table)


@asynccontextmanager
async def fresh(parts: Parts) -> AsyncIterator[Parts]:
    """The parts over empty databases with their indexes, which are dropped at the end."""
    databases = (parts.settings.mongo_database, parts.settings.mongo_keyring_database)

    async def drop() -> None:
        for database in databases:
            await parts.mongo.client.drop_database(database)

    await drop()
    await ensure_indexes(parts.settings)
    try:
        yield parts
    finally:
        await drop()
        await parts.close()


def run_parts(
    name: str,
    parts: Mapping[str, Callable[[B], Awaitable[list[Figure]]]],
    bench: Callable[[str, int], B],
    *,
    about: str | None,
    rounds: int,
) -> None:
    """Runs the parts that the command line names, or all, on a mongod of their own, and writes what
    they show. `bench` is made from the address of the mongod and the number of rounds."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--only", nargs="*", choices=list(parts), default=[])
    given = parser.parse_args()

    async def run() -> None:
        with tempfile.TemporaryDirectory(prefix="cplus-bench-") as directory:
            mongod = Mongod(Path(directory))
            await mongod.start()
            try:
                made = bench(mongod.uri, given.rounds)
                wanted = [part for part in parts if not given.only or part in given.only]
                found = {part: await parts[part](made) for part in wanted}
            finally:
                await mongod.stop()
        write(name, found, keep=bool(given.only), driver="motor")

    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        configure("info", stream=nowhere)  # as in production, log lines are made; none is shown
        asyncio.run(run())
