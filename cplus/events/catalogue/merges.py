"""Persons whom a merchant says to be one (stream `merge/<person>+<person>`)."""

from __future__ import annotations

from typing import ClassVar

from cplus.events.base import AggregateEvent


class PersonsMerged(AggregateEvent):
    """A merchant said that two persons are one. It can be taken
    back, unlike PersonsJoined."""

    TYPE: ClassVar[str] = "persons.merged"
    person: str
    """The smaller id of the two."""
    absorbed: str
    """The other one. Each keeps what names it."""


class PersonsUnmerged(AggregateEvent):
    """A merchant took it back that two persons are one."""

    TYPE: ClassVar[str] = "persons.unmerged"
    person: str
    absorbed: str
    """Both as in PersonsMerged."""
