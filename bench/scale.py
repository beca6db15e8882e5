"""Writes the tables of docs/scale.md from store, read_models, intake, mail, import and web.json of
bench/results.

`make bench` ends with it; `python bench/scale.py` alone brings the page up to the files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")
PAGE = Path(__file__).resolve().parent.parent / "docs" / "scale.md"
BEGIN, END = "<!-- from bench/results by bench/scale.py -->", "<!-- end of what is from there -->"
DAY = 86_400  # seconds
DISK = 4 * 2**40  # bytes
PEAK = 10  # the busiest minute of a day to its mean
SHOP_A_DAY = 1_000  # commits of a busy shop
SHARDS = (4, 16)

Line = dict[str, Any]


class Measured:
    """The figures of one file, found by what their names and baselines begin with."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.lines: list[Line] = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))

    def line(self, name: str, baseline: str = "") -> Line:
        """The line; raises KeyError where nothing of that name was measured."""
        for line in self.lines:
            if line["name"].startswith(name) and line["baseline"].startswith(baseline):
                return line
        raise KeyError(f"{name!r} to {baseline!r} is not in bench/results/{self._name}.json")

    def value(self, name: str, baseline: str = "") -> float:
        """What was measured."""
        return float(self.line(name, baseline)["value"])


@dataclass(frozen=True)
class Carried:
    """What the rest of the page is computed from."""

    size: float
    """Bytes of a commit with its keys in the indexes."""
    second: float
    """Commits of one replica set in a second, over many shops."""

    @property
    def day(self) -> float:
        """Its commits in a day."""
        return self.second / PEAK * DAY

    @property
    def fits(self) -> float:
        """Commits on its disk."""
        return DISK / self.size


def tables() -> str:
    """What stands between the two marks of the page."""
    log, models = Measured("store"), Measured("read_models")
    intake, web, imports = Measured("intake"), Measured("web"), Measured("import")
    mail = Measured("mail")
    body, index = (log.value(f"bytes of a commit, {what}") for what in ("as stored", "in the"))
    many = {
        "64 writers, single commits": log.value("single append, 64 writers, head warm"),
        "1,000 commits for 50 shops a call": log.value("1,000 commits for 50 shops", "insert_many"),
    }
    # What comes one by one is the least that it carries: batches only make it more.
    carried = Carried(body + index, many["64 writers, single commits"])
    rows = [
        *((f"{what}, commits a second", _whole(rate)) for what, rate in many.items()),
        ("a commit (a webhook of 0.8 KB), before compression", _bytes(body)),
        ("its keys in the indexes", _bytes(index)),
        *_of_one_set(carried),
        ("hours to fold 100 million events anew, 1 worker", _hours(models, "rebuild of conv")),
        ("hours to verify the chains of 100 million commits", _hours(log, "audit verify")),
    ]
    return "\n\n".join(
        (
            _machine("The log", log),
            _table(("one shop", "commits a second", "a day", "bytes a day"), _hot(log, carried)),
            _table(("one replica set, many shops", "figure"), rows),
            _table(("shards", "commits a second", "shops", "commits that fit"), _shards(carried)),
            _machine("The read models", models),
            _table(("read models", "figure", "ratio", "goal", "to"), map(_line, models.lines)),
            _machine("Taking in", intake),
            _table(("taking in", "figure", "ratio", "goal", "to"), map(_line, intake.lines)),
            _machine("Reading mail", mail, shared=False),
            _table(("reading mail", "figure", "ratio", "goal", "to"), map(_line, mail.lines)),
            _machine("Importing", imports),
            _table(("importing", "figure", "ratio", "goal", "to"), map(_line, imports.lines)),
            _machine("Pages, and what walks over all shops", web),
            _table(("pages", "figure", "ratio", "goal", "to"), map(_line, web.lines)),
            "What the benchmarks set out to reach and this run did not:",
            _table(
                ("figure", "ratio", "goal", "to"),
                _all_missed(log, models, intake, mail, imports, web),
            ),
        )
    )


def _machine(what: str, measured: Measured, *, shared: bool = True) -> str:
    runs = [line["run"] for line in measured.lines]
    loads = sorted({run["load"] for run in runs})
    days = sorted({run["at"][:10] for run in runs})
    load = f"load {loads[0]}" if len(loads) == 1 else f"load {loads[0]} to {loads[-1]}"
    run = runs[0]
    machine = (
        f"{what}: measured on {' and '.join(days)} on {run['cores']} cores ({run['machine']}, "
        f"Python {run['python']}, {load} at the end)"
    )
    if not shared:
        return f"{machine}."
    return (
        f"{machine} that MongoDB, a replica set of one, shares with whoever asks it. A server of "
        "its own is quicker; a majority of three waits for a network."
    )


def _line(line: Line) -> tuple[str, ...]:
    ratio = "" if line["ratio"] is None else f"{line['ratio']}"
    ratio += f" ({_spread(line)})" if ratio and line["spread"] else ""
    goal = "" if line["goal"].startswith("none") else line["goal"]
    return line["name"], f"{line['value']:,.5g} {line['unit']}", ratio, goal, line["baseline"]


def _spread(line: Line) -> str:
    return "–".join(map(str, line["spread"]))


def _hot(log: Measured, carried: Carried) -> Iterator[tuple[str, ...]]:
    for what, name in (
        ("1 process, one commit after another", "one shop, one by one"),
        ("8 processes, single commits", "one hot shop, 8 processes, single commits"),
        ("8 processes, batches of 25", "one hot shop, 8 processes, batches of 25"),
        ("1 process, batches of 500", "one shop, one batch"),
    ):
        rate = log.value(name)
        a_day = rate * DAY
        yield what, _whole(rate), _short(a_day), _bytes(a_day * carried.size)


def _of_one_set(carried: Carried) -> Iterator[tuple[str, str]]:
    million = 1e6 * carried.size
    yield f"single commits a day, the busiest time {PEAK} times the mean", _short(carried.day)
    yield f"shops of {SHOP_A_DAY:,} commits a day", _short(carried.day / SHOP_A_DAY)
    yield "a million commits", _bytes(million)
    yield "the same on three members", _bytes(3 * million)
    yield f"commits that a disk of {_bytes(DISK)} holds", _short(carried.fits)
    yield "days at that pace until it is full", _whole(carried.fits / carried.day)


def _shards(carried: Carried) -> Iterator[tuple[str, ...]]:
    for many in SHARDS:
        shops = many * carried.day / SHOP_A_DAY
        yield str(many), _whole(many * carried.second), _short(shops), _short(many * carried.fits)


def _all_missed(*measured: Measured) -> Iterator[tuple[str, ...]]:
    for one in measured:
        yield from _missed(one)


def _missed(measured: Measured) -> Iterator[tuple[str, ...]]:
    for line in measured.lines:
        if line["met"] is False:
            _, value, ratio, goal, baseline = _line(line)
            yield line["name"], ratio or value, goal, baseline


def _hours(measured: Measured, name: str) -> str:
    return f"{100e6 / measured.value(name) / 3600:.1f}"


def filled(page: str) -> str:
    """The page with the tables as the files have them."""
    marks = re.escape(BEGIN) + r".*?" + re.escape(END)
    if not re.search(marks, page, re.DOTALL):
        raise ValueError(f"{PAGE} has lost its marks")
    return re.sub(marks, lambda _: f"{BEGIN}\n{tables()}\n\n{END}", page, flags=re.DOTALL)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _whole(number: float) -> str:
    return f"{number:,.0f}"


def _short(number: float) -> str:
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if number >= size:
            return f"{number / size:,.1f} {word}"
    return _whole(number)


def _bytes(number: float) -> str:
    for size, unit in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number:,.0f} bytes"


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text("utf-8")), "utf-8")
