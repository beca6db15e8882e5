"""Proving: what two versions of the code make of one log, compared row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from cplus.mongo import canonical, decoded
from cplus.projections.checks.intended import Change, IntendedDifference
from cplus.projections.checks.release_rows import END

SHOWN = 50
"""Differences that are named at most; all are counted."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A projection as both versions of the code have it."""

    name: str
    before: int | None
    """Its version in the code that runs now; None where that has none of this name."""
    after: int | None
    """Its version in the code that is to be deployed; None where that lacks it."""

    @property
    def raised(self) -> bool:
        """Whether the versions differ, which says that the rows are meant to."""
        return None not in (self.before, self.after) and self.before != self.after


def pairs(before: Iterable[tuple[str, int]], after: Iterable[tuple[str, int]]) -> list[Pair]:
    """What is compared with what: a version with the same one, a version that the old code lacks
    with the newest that it has."""
    old, new = set(before), set(after)
    newest = dict(sorted(old))  # the last one counts
    found = [
        Pair(name, version if (name, version) in old else newest.get(name), version)
        for name, version in new
    ]
    found += [Pair(name, version, None) for name, version in old - new]
    return sorted(found, key=lambda one: (one.name, one.after or 0, one.before or 0))


class ReleaseRows(Protocol):
    """The rows that one version of the code makes, document by document; the protocol stands in
    `release_rows`."""

    async def next(self) -> bytes:
        """The next document."""
        ...


async def compare_shop(
    findings: Findings, pair: Pair, shop: str, before: ReleaseRows | None, after: ReleaseRows
) -> None:
    """Adds the differences of one projection in one shop. Reads the rows of both side by side, and
    holds one of each; without `before` there is nothing that could differ."""
    one = None if before is None else await before.next()
    other = await after.next()
    while not (_ended(one) and _ended(other)):
        if before is None:
            other = await after.next()
            continue
        if one == other:
            one, other = await before.next(), await after.next()
            continue
        old = None if one is None or _ended(one) else decoded(one)
        new = None if _ended(other) else decoded(other)
        if old is None or (new is not None and new["key"] < old["key"]):
            assert new is not None  # noqa: S101  one of them is not at its end
            findings.add(pair, Change(pair.name, "added", shop, new["key"]))
            other = await after.next()
        elif new is None or old["key"] < new["key"]:
            findings.add(pair, Change(pair.name, "removed", shop, old["key"]))
            one = await before.next()
        else:
            change = Change(pair.name, "differs", shop, new["key"], _fields(old, new))
            findings.add(pair, change)
            one, other = await before.next(), await after.next()
    findings.end(pair, shop, None if one is None else decoded(one)["end"], decoded(other)["end"])


def _ended(document: bytes | None) -> bool:
    return document is None or document.startswith(END, 4)


def _fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The fields of the two rows whose stored bytes differ."""
    if "fault" in old or "fault" in new:
        return [f"({new.get('fault') or 'can be stored now'})"]
    one, other = old["row"], new["row"]
    return [
        name
        for name in sorted(one.keys() | other.keys())
        if name not in one
        or name not in other
        or canonical({"": one[name]}) != canonical({"": other[name]})
    ]


def _stopped(
    pair: Pair, shop: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> Change | None:
    """How the positions at which the two versions stop differ; None if they are the same."""
    if (old and old["position"]) == (new and new["position"]):
        return None
    if new and (not old or new["position"] < old["position"]):
        reason = f"position {new['position']}: {new['reason']} ({new['type']})"
        return Change(pair.name, "parks", shop, reason=reason)
    assert old is not None  # noqa: S101  the places differ, and the new one is not the earlier
    reason = f"position {old['position']}: {old['reason']} ({old['type']})"
    return Change(pair.name, "goes_on", shop, reason=reason)


@dataclass(slots=True)
class Tally:
    """What was found of one projection, summed."""

    pair: Pair
    rows: int = 0
    rows_before: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    """Differences that nobody meant, by kind."""
    declared: int = 0
    """Differences of a projection whose version was raised."""
    meant: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    """Rows in which a field differs, meant or not."""
    both_stop: int = 0
    """Shops in which both versions stop in front of the same commit."""


class Findings:
    """All differences: summed by projection, and the first of them by name."""

    def __init__(self, meant: Sequence[IntendedDifference], compared: Sequence[Pair]) -> None:
        self.tallies = {pair: Tally(pair) for pair in compared}
        self.shown: list[Change] = []
        """Of the differences that nobody meant."""
        self.declared: list[Change] = []
        """Of those that a raised version declares."""
        self._meant = dict.fromkeys(meant, 0)
        for pair in compared:
            if pair.after is None:
                self.add(pair, Change(pair.name, "dropped", reason=f"version {pair.before}"))

    def add(self, pair: Pair, change: Change) -> None:
        """Counts a difference, as meant where an entry says so."""
        tally = self.tallies[pair]
        tally.fields.update(change.fields)
        left = self._left(change)
        if left is None:
            tally.meant += 1
        elif pair.raised and change.kind != "parks":
            tally.declared += 1
            self._show(self.declared, left)
        else:
            tally.wrong[change.kind] += 1
            self._show(self.shown, left)

    def end(
        self, pair: Pair, shop: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]
    ) -> None:
        """Counts how the rows of both in a shop ended, and compares where they stop."""
        tally = self.tallies[pair]
        tally.rows += after["rows"]
        tally.rows_before += before["rows"] if before else 0
        change = _stopped(pair, shop, before and before["stop"], after["stop"])
        if change is not None:
            self.add(pair, change)
        elif after["stop"]:
            tally.both_stop += 1

    @staticmethod
    def _show(shown: list[Change], change: Change) -> None:
        if len(shown) < SHOWN:
            shown.append(change)

    def _left(self, change: Change) -> Change | None:
        """What of it nobody meant."""
        entries = [entry for entry in self._meant if entry.covers(change)]
        if change.kind != "differs":
            for entry in entries:
                self._meant[entry] += 1
            return None if entries else change
        left = set(change.fields)
        for entry in entries:
            covered = set(entry.fields or change.fields) & set(change.fields)
            self._meant[entry] += bool(covered)
            left -= covered
        return replace(change, fields=sorted(left)) if left else None

    @property
    def total(self) -> int:
        """Differences that nobody meant."""
        return sum(tally.wrong.total() for tally in self.tallies.values())

    @property
    def unused(self) -> list[IntendedDifference]:
        """Entries that spoke of no difference."""
        return [entry for entry, count in self._meant.items() if not count]
