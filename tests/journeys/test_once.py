"""`cplus up --once`: real input to read models by one command, and nothing differs."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from cplus.local.demo import Drive, Sizes, make_plan
from cplus.local.demo.summary import COUNTS
from cplus.local.stack import Stack
from tests.conftest import ROOT, Figures

TINY = ("--shops", "2", "--customers", "6", "--conversations", "5")


async def _up(data: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cplus.cli", "up", "--json", "--data", str(data), *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _once(data: Path, *arguments: str) -> tuple[int | None, dict[str, Any]]:
    process = await _up(data, "--once", *arguments)
    output, _ = await process.communicate()
    lines = output.decode().strip().splitlines()
    return process.returncode, json.loads(lines[-1]) if lines else {}


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param(Sizes(shops=3, customers=18, conversations=12), id="small"),
        pytest.param(Sizes(), id="whole", marks=pytest.mark.soak),
    ],
)
async def test_the_demo_goes_through_and_comes_out_as_it_was_generated(
    tmp_path: Path, figures: Figures, sizes: Sizes
) -> None:
    """The demo traffic goes in by HTTP and mail with its redeliveries, and every count of every
    shop comes out as it was planned."""
    status, said = await _once(
        tmp_path,
        *("--shops", str(sizes.shops), "--customers", str(sizes.customers)),
        *("--conversations", str(sizes.conversations)),
    )
    assert said["differences"] == []
    assert status == 0
    plan = make_plan(sizes)
    expected = {shop.host: shop.expected for shop in plan.shops}
    assert set(said["shops"]) == set(expected)
    for host, counts in said["shops"].items():
        wanted = expected[host]
        assert counts == {
            "deliveries_sent": wanted.deliveries_sent,
            "deliveries_recorded": wanted.deliveries_recorded,
            "redeliveries_recognised": wanted.redeliveries_recognised,
            "conversations": wanted.conversations,
            "messages": wanted.messages_in + wanted.messages_out,
            "customers": wanted.customers,
            "mails_sent": wanted.mails_sent,
        }
    assert said["totals"] == {
        name: sum(counts[name] for counts in said["shops"].values()) for name in COUNTS
    }
    assert said["totals"]["customers"] == sizes.customers
    assert said["totals"]["conversations"] == sizes.conversations
    figures(shops=sizes.shops, **said["totals"])


async def test_starting_again_leaves_the_shops_as_they_are(tmp_path: Path) -> None:
    plan = make_plan(Sizes(shops=2, customers=4, conversations=0))
    first, second = plan.hosts
    async with Stack(tmp_path) as stack, httpx.AsyncClient(timeout=30.0) as http:
        drive = Drive(stack, plan)

        async def shops() -> dict[str, tuple[int, bool]]:
            found = (await http.get(f"{stack.shopify_url}/_control/shops")).json()
            return {one["host"]: (one["customers"], one["installed"]) for one in found}

        try:
            await drive.outside.put_shop(plan.shops[0].description)
            customers = (await shops())[first][0]
            assert customers
            await drive.only_install()
            assert await shops() == {first: (customers, True), second: (0, True)}
            answer = await http.post(f"{stack.shopify_url}/{first}/uninstall")
            assert answer.status_code == 303
            await drive.only_install(removed_stays=True)
            assert await shops() == {first: (customers, False), second: (0, True)}
            assert await drive.installed() == (second,)
            await drive.only_install()
            assert await shops() == {first: (customers, True), second: (0, True)}
        finally:
            await drive.close()


@pytest.mark.soak
async def test_a_second_run_over_the_same_directory_adds_to_it(tmp_path: Path) -> None:
    """What was there stays, and a second run is counted beside it."""
    first_status, first = await _once(tmp_path, *TINY)
    second_status, second = await _once(tmp_path, *TINY)
    assert (first_status, second_status) == (0, 0)
    assert first["totals"]["conversations"] == second["totals"]["conversations"] == 5


@pytest.mark.soak
async def test_traffic_goes_on_and_a_filled_directory_is_not_filled_again(tmp_path: Path) -> None:
    """Small traffic follows the demo without end, and a directory that has it begins with that."""
    process = await _up(tmp_path, *TINY)
    try:
        filled = await _until(lambda: _demo(tmp_path).get("filled") and _commits(tmp_path))
        await _until(lambda: _commits(tmp_path) >= filled + 5)
    finally:
        process.send_signal(signal.SIGINT)
        output, _ = await process.communicate()
    assert process.returncode == 0
    assert json.loads(output.decode().strip().splitlines()[-1])["ok"]
    runs = _demo(tmp_path)["runs"]
    again = await _up(tmp_path, *TINY)
    try:
        before = await _until(lambda: (tmp_path / "stack.json").exists() and _commits(tmp_path))
        await _until(lambda: _commits(tmp_path) >= before + 3)
    finally:
        again.send_signal(signal.SIGINT)
        await again.communicate()
    # One round of small traffic, and no run that fills.
    assert _demo(tmp_path)["runs"] == runs + 1


def _demo(data: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((data / "demo.json").read_text())
    except FileNotFoundError:
        return {}
    return found


def _commits(data: Path) -> int:
    import pymongo

    info = json.loads((data / "stack.json").read_text())
    with pymongo.MongoClient[dict[str, Any]](info["mongo"]) as client:
        return client[info["database"]]["commits"].count_documents({})


async def _until(found: Callable[[], Any], seconds: float = 120.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := await asyncio.to_thread(found)):
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.2)
    return answer
