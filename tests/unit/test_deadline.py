"""Deadlines, by a clock that a test sets."""

from __future__ import annotations

from cplus.deadline import Deadline


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_time_runs_out_and_never_falls_below_nothing() -> None:
    clock = Clock()
    deadline = Deadline.within(10, clock)
    assert (deadline.remaining(), deadline.passed()) == (10, False)
    clock.now += 10
    assert (deadline.remaining(), deadline.passed()) == (0, True)
    clock.now += 1
    assert (deadline.remaining(), deadline.passed()) == (0, True)


def test_what_comes_first_counts() -> None:
    clock = Clock()
    deadline = Deadline.within(10, clock)
    assert deadline.or_within(3) == Deadline.within(3, clock)
    assert deadline.or_within(30) == deadline
    assert Deadline.never().or_within(5).remaining() <= 5


def test_a_margin_is_no_more_than_its_share_of_what_remains() -> None:
    clock = Clock()
    assert Deadline.within(100, clock).with_margin(10, 0.2).remaining() == 90
    assert Deadline.within(20, clock).with_margin(10, 0.2).remaining() == 16
    late = Deadline.within(-5, clock)
    assert late.with_margin(10, 0.2) == late


def test_never_is_not_come_to_and_has_room_for_any_margin() -> None:
    assert not Deadline.never().with_margin(10, 0.2).passed()
