"""Schedules fire, and failed runs are tried again."""

from __future__ import annotations

from cplus.local.application import Schedule
from tests.integration.lambda_runner.bench import Bench, eventually, function


async def test_a_schedule_fires_after_its_period_and_when_it_is_told(bench: Bench) -> None:
    soon = Schedule("rate(1 minute)", 0.3, {"scope": "recent"})
    later = Schedule("rate(1 hour)", 3600.0, None)
    runner = await bench.run(function(schedules=(soon, later)))
    await eventually(lambda: len(bench.notes()) >= 1)
    assert bench.notes()[0]["event"] == {"scope": "recent"}
    await runner.fire_schedules()
    sources = [note["event"].get("source") for note in bench.notes()]
    assert "aws.events" in sources


async def test_a_failed_scheduled_run_is_tried_twice_more(bench: Bench) -> None:
    runner = await bench.run(
        function(schedules=(Schedule("rate(1 hour)", 3600.0, {"do": "raise"}),))
    )
    await runner.fire_schedules("work")
    assert len(bench.notes()) == 3
    assert runner.status()["work"].failures == 3
