"""Functions run in processes that start, end and die as on Lambda."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import sys
import textwrap
import time

import pytest

from cplus.errors import (
    FunctionBroken,
    FunctionBusy,
    FunctionDied,
    FunctionError,
    FunctionTimedOut,
)
from cplus.local.lambdas import LIBRARIES
from cplus.local.lambdas.forks import Forks
from cplus.local.lambdas.worker import Invocation, Launch, Listener, Worker
from tests.conftest import ROOT
from tests.integration.lambda_runner.bench import (
    ACCOUNT,
    HERE,
    REGION,
    Bench,
    alive,
    eventually,
    fails,
    function,
)


async def test_a_function_starts_on_first_use_with_its_environment(bench: Bench) -> None:
    spec = function(environment={"OWN": "1", "OVER": "theirs"})
    runner = await bench.run(spec)
    assert runner.status()["work"].pids == ()
    names = ["OWN", "OVER", "AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION", "_HANDLER", "HIDDEN"]
    answer = await runner.invoke("work", {"environment": names})
    assert answer["environment"] == {
        "OWN": "1",
        "OVER": "ours",
        "AWS_LAMBDA_FUNCTION_NAME": "try-local-work",
        "AWS_REGION": REGION,
        "_HANDLER": "handlers.work",
        "HIDDEN": None,
    }
    assert answer["arn"] == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:try-local-work"
    assert 0 < answer["remaining"] <= 5000
    assert (await runner.invoke("work", {}))["pid"] == answer["pid"]
    status = runner.status()["work"]
    assert (status.pids, status.busy, status.invocations) == ((answer["pid"],), 0, 2)
    assert os.getsid(answer["pid"]) != os.getsid(0)  # Ctrl-C does not reach it


async def test_an_idle_process_ends_and_another_is_started(bench: Bench) -> None:
    runner = await bench.run(function(), idle_seconds=0.1)
    first = (await runner.invoke("work", {}))["pid"]
    await eventually(lambda: not alive(first) and not runner.status()["work"].pids)
    assert (await runner.invoke("work", {}))["pid"] != first


async def test_an_error_of_the_handler_reaches_the_caller_and_the_log(bench: Bench) -> None:
    runner = await bench.run(function())
    first = (await runner.invoke("work", {}))["pid"]
    error = await fails(FunctionError, runner.invoke("work", {"do": "raise"}))
    assert error.values["error_type"] == "ValueError"
    assert error.values["message"] == "as was asked for"
    assert "ValueError" in (bench.root / "data" / "logs" / "work.log").read_text()
    assert (await runner.invoke("work", {}))["pid"] == first
    assert runner.status()["work"].failures == 1


async def test_a_process_that_dies_fails_its_invocation_and_is_replaced(bench: Bench) -> None:
    runner = await bench.run(function())
    error = await fails(FunctionDied, runner.invoke("work", {"do": "die"}))
    assert "exit status 7" in error.values["message"]
    idle = (await runner.invoke("work", {}))["pid"]
    os.kill(idle, signal.SIGKILL)
    await eventually(lambda: not runner.status()["work"].pids)
    assert (await runner.invoke("work", {}))["pid"] != idle


async def test_a_function_is_killed_at_its_time_limit_with_its_children(bench: Bench) -> None:
    runner = await bench.run(function(timeout=3.0))
    await runner.invoke("work", {})
    begun = time.monotonic()
    error = await fails(FunctionTimedOut, runner.invoke("work", {"do": "hang"}))
    assert 2.9 < time.monotonic() - begun < 30
    assert error.values["message"] == "Task timed out after 3.00 seconds"
    pids = [bench.notes()[-1]["child"], bench.notes()[-1]["pid"]]
    await eventually(lambda: not any(map(alive, pids)))


async def test_the_time_limit_counts_from_hand_over_not_from_the_start(bench: Bench) -> None:
    (bench.root / "slow.py").write_text("import time\ntime.sleep(3.5)\nfrom handlers import work\n")
    runner = await bench.run(function(handler="slow.work", timeout=3.0))
    assert (await runner.invoke("work", {}))["remaining"] > 0


@pytest.mark.parametrize(
    ("handler", "error_type"),
    [
        ("nowhere.work", "Runtime.ImportModuleError"),
        ("handlers.nowhere", "Runtime.HandlerNotFound"),
        ("raises.work", "ZeroDivisionError"),
        ("exits.work", "Runtime.ExitError"),
    ],
)
async def test_a_function_that_cannot_start_says_why(
    bench: Bench, handler: str, error_type: str
) -> None:
    (bench.root / "raises.py").write_text("1 / 0\n")
    (bench.root / "exits.py").write_text("import os\nos._exit(3)\n")
    runner = await bench.run(function(handler=handler))
    error = await fails(FunctionBroken, runner.invoke("work", {}))
    assert error.values["error_type"] == error_type


async def test_an_answer_over_lambdas_limit_is_an_error(bench: Bench) -> None:
    runner = await bench.run(function())
    error = await fails(FunctionError, runner.invoke("work", {"do": "large"}))
    assert error.values["error_type"] == "Function.ResponseSizeTooLarge"


async def test_as_many_run_at_once_as_are_allowed(bench: Bench) -> None:
    one = function("one", handler="handlers.work", reserved_concurrency=1)
    runner = await bench.run(function(), one, slot_seconds=0.5)
    gate = bench.root / "gate"
    wait = {"do": "wait", "path": str(gate)}
    both = [asyncio.create_task(runner.invoke("work", wait)) for _ in range(2)]
    alone = asyncio.create_task(runner.invoke("one", wait))
    await eventually(lambda: len(bench.notes()) == 3)
    await asyncio.gather(
        fails(FunctionBusy, runner.invoke("work", {})),
        fails(FunctionBusy, runner.invoke("one", {})),
    )
    gate.touch()
    assert len({answer["pid"] for answer in await asyncio.gather(*both)}) == 2
    assert (await runner.invoke("one", {}))["pid"] == (await alone)["pid"]


async def test_where_the_process_that_forks_them_dies_they_die_and_others_come(
    bench: Bench,
) -> None:
    runner = await bench.run(function(), libraries=("json", "no.such.library"))
    first = await runner.invoke("work", {})
    hanging = asyncio.create_task(runner.invoke("work", {"do": "wait", "path": "/nowhere"}))
    await eventually(lambda: len(bench.notes()) == 2)
    os.kill(first["parent"], signal.SIGKILL)
    error = await fails(FunctionDied, hanging)
    assert "signal 9" in error.values["message"]
    await eventually(lambda: not alive(first["pid"]))
    again = await runner.invoke("work", {})
    assert again["parent"] not in (first["parent"], os.getpid())


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_that_is_imported_once_for_all_is_there(name: str) -> None:
    assert importlib.util.find_spec(name)


async def test_stop_leaves_no_process(bench: Bench) -> None:
    runner = await bench.run(function())
    pid = (await runner.invoke("work", {}))["pid"]
    hanging = asyncio.create_task(runner.invoke("work", {"do": "wait", "path": "/nowhere"}))
    await eventually(lambda: len(bench.notes()) == 2)
    await runner.stop()
    await fails(FunctionDied, hanging)
    assert not alive(pid)


async def test_no_process_outlives_a_runner_that_is_killed(bench: Bench) -> None:
    environment = {"JOURNAL": str(bench.root / "journal"), "PYTHONPATH": str(HERE)}
    script = textwrap.dedent(
        f"""
        import asyncio
        from pathlib import Path

        from cplus.local.application import Application, FunctionSpec
        from cplus.local.lambdas import Runner

        async def main():
            spec = FunctionSpec("work", "work", "handlers.work", 60.0, 128, {{}})
            root = Path({str(bench.root)!r})
            names = ("try", "local", "{ACCOUNT}", "{REGION}", root)
            application = Application(*names, {{"work": spec}}, (), (), (), (), (), {{}}, {{}})
            runner = Runner(
                application,
                environment={environment!r},
                endpoint="http://127.0.0.1:9",
                data=root / "data",
            )
            await runner.start()
            wait = {{"do": "wait", "path": "/nowhere"}}
            await asyncio.gather(runner.invoke("work", wait), runner.invoke("work", wait))

        asyncio.run(main())
        """
    )
    runner = await asyncio.create_subprocess_exec(sys.executable, "-c", script, cwd=ROOT)
    try:
        await eventually(lambda: len(bench.notes()) == 2, timeout=20)
        pids = [note["pid"] for note in bench.notes()]
        assert all(map(alive, pids))
    finally:
        runner.kill()
        await runner.wait()
    await eventually(lambda: not any(map(alive, pids)))


async def test_a_process_is_killed_while_it_holds_work(bench: Bench) -> None:
    runner = await bench.run(function())
    runner.kill_when_busy("work", after=1.5, times=2)
    await runner.invoke("work", {})  # it ends before: that kill is left to the one after next
    wait = {"do": "wait", "path": "/nowhere"}
    error = await fails(FunctionDied, runner.invoke("work", wait))
    assert "signal 9" in error.values["message"]
    await fails(FunctionDied, runner.invoke("work", wait))
    assert await runner.invoke("work", {})
    assert [(kill.function, kill.held) for kill in runner.kills] == [("work", "invoke")] * 2
    assert runner.kills[0].request_id == bench.notes()[1]["request"]


async def test_a_process_that_is_killed_is_handed_nothing_more(bench: Bench) -> None:
    waits: asyncio.Queue[Worker] = asyncio.Queue()
    ended: asyncio.Queue[Worker] = asyncio.Queue()
    listener = Listener(
        waits.put_nowait, lambda *_: None, lambda worker, _: ended.put_nowait(worker)
    )
    forks = Forks((), bench.root / "forks.log")
    launch = Launch(
        function(),
        forks=forks,
        root=bench.root,
        log=bench.root / "work.log",
        environment={"JOURNAL": str(bench.root / "journal"), "PYTHONPATH": str(HERE)},
        arn="arn",
    )
    worker = Worker(launch, listener)
    worker.start()
    assert await waits.get() is worker
    worker.kill()  # that it has ended is not known before the event loop goes on
    result: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    assert not worker.hand(Invocation("1", b"{}", 1, result))
    assert await ended.get() is worker
    assert not result.done()
    await worker.close()
    await forks.close()
