"""How `cplus log` prints commits: what there is to say of one without its data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cplus.cli.plain import value_line

if TYPE_CHECKING:
    from cplus.events.audit.history import Entry
    from cplus.events.audit.trace import Trace
    from cplus.events.log.commit import Commit


def commit_line(commit: Commit) -> str:
    """A commit in one line, with the kind of its actor and not the id."""
    return f"{_when(commit)}  {commit.shop} {commit.position}  {_what(commit, _kind(commit))}"


def commit_as_json(commit: Commit) -> dict[str, Any]:
    """The same for programs."""
    said = {"shop": commit.shop, "position": commit.position, "id": commit.id}
    said |= {"recorded_at": commit.recorded_at.isoformat(), "source": commit.source}
    return {**said, "actor": _kind(commit), "types": commit.types}


def tree(found: Trace, asked: str) -> Iterator[str]:
    """A line for each commit, below the one that it follows from; `asked` is marked."""
    for depth, commit in found.walk():
        mark = "  <-" if commit.id == asked else ""
        # Deeper ones would have no room.
        indent = "  " * min(depth, 20)
        yield f"{indent}{commit.position}  {_when(commit)}  {_what(commit, commit.actor)}{mark}"


def tree_as_json(found: Trace) -> list[dict[str, Any]]:
    """The same for programs: in this order, each with its depth and what it follows from."""
    return [
        {
            **commit_as_json(commit),
            "actor": commit.actor,
            "causation_id": commit.causation_id,
            "depth": depth,
        }
        for depth, commit in found.walk()
    ]


def shown(said: dict[str, Any]) -> Iterator[str]:
    """A commit with its events, as `told` says them."""
    yield f"{said['shop']} {said['position']}  {said['recorded_at']}"
    yield f"{said['source']} by {said['actor']}"
    for name in ("id", "correlation_id", "causation_id", "reason"):
        if said[name] is not None:
            yield f"{name}: {said[name]}"
    for name in ("claims", "refs"):
        yield f"{name}: {', '.join(said[name]) or 'none'}"
    if not said["events"]:
        yield "no events"
    for event in said["events"]:
        version = "" if event["version"] is None else f" version {event['version']}"
        yield f"{event['type']}  {event['stream']}{version}  {event['occurred_at']}"
        for name, value in event["data"].items():
            yield f"  {name}: {value_line(value)}"


def entry(one: Entry) -> str:
    """An entry of a conversation's history, with the time that `cplus audit at` goes by."""
    return f"{one.position}  {one.recorded_at:%Y-%m-%d %H:%M:%S} UTC  {one.actor} {one.did}"


def entry_as_json(one: Entry) -> dict[str, Any]:
    """The same for programs."""
    said = {"position": one.position, "recorded_at": one.recorded_at.isoformat()}
    said |= {"at": one.at.isoformat(), "actor": one.actor}
    return {**said, "did": one.did, "type": one.type, "message": one.message}


def _what(commit: Commit, actor: str) -> str:
    why = f": {commit.reason}" if commit.reason else ""
    what = ", ".join(commit.types) or f"no events{why}"
    return f"{commit.source} by {actor}: {what}"


def _kind(commit: Commit) -> str:
    return commit.actor.partition("/")[0]


def _when(commit: Commit) -> str:
    return f"{commit.recorded_at:%Y-%m-%d %H:%M:%S} UTC"
