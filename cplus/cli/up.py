"""`cplus up`: the whole system on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import sys
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cplus.cli.connecting import INTERRUPTED, failures
from cplus.counts import counted
from cplus.errors import CplusError

if TYPE_CHECKING:
    from rich.console import Console

    from cplus.local.demo import Drive, Sizes
    from cplus.local.stack import Stack

_LOOK = 1.0  # seconds between two checks of the parts
_DRAIN = 30.0  # seconds given to the queues to drain
_FILLING = "filling with demo traffic, about a minute"


@dataclass(frozen=True)
class Options:
    """The options of the command line."""

    data: Path
    port: int
    once: bool
    demo: bool
    as_json: bool
    shops: int
    customers: int
    conversations: int
    seed: int


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Directory for MongoDB's data, bucket objects, the mailbox and logs.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port of the dashboard; 0 picks the last one used, or a free one.",
)
@click.option("--once", is_flag=True, help="Run the demo traffic once, check the results and exit.")
@click.option("--no-demo", is_flag=True, help="Install the demo shops, but send no demo traffic.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
@click.option(
    "--shops", type=click.IntRange(1), default=3, show_default=True, help="Number of demo shops."
)
@click.option(
    "--customers",
    type=click.IntRange(0),
    default=300,
    show_default=True,
    help="Number of customers, over all shops.",
)
@click.option(
    "--conversations",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    help="Number of conversations, over all shops.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Random seed of the demo traffic."
)
def up(*, no_demo: bool, **given: Any) -> None:
    """Run the whole system on this machine, with demo shops and demo traffic.

    Starts MongoDB, an AWS endpoint, a local Shopify and the functions of serverless.yml, prints
    where to look, and runs until Ctrl-C. A second Ctrl-C stops at once.
    """
    options = Options(demo=not no_demo, **given)
    with failures():
        try:
            status = asyncio.run(_up(options))
        except KeyboardInterrupt:  # before anything had started
            click.echo("stopped", err=True)
            status = INTERRUPTED
    sys.exit(status)


async def _up(options: Options) -> int:
    from rich.console import Console

    from cplus.local import report
    from cplus.local.stack import Stack

    _needs_lambda_runtime()
    # With --json, standard output ends with the object; messages for people go to standard error.
    console = Console(stderr=options.as_json)
    stack = Stack(
        options.data,
        port=options.port,
        told=partial(report.say_part, console),
        waits=partial(report.say_waiting, console),
    )
    ended = _signals(stack)
    if not await _unless(ended, stack.start()):
        report.say(console, f"stopped; data is in {stack.data}")
        return INTERRUPTED
    drain = _DRAIN
    try:
        status = await _serve(stack, options, console, ended)
    except BaseException:
        drain = 0.0
        raise
    finally:
        console.print("  stopping; Ctrl-C again stops at once")
        await stack.stop(drain)
        if stack.left:
            console.print(f"  [yellow]![/yellow] {stack.left}", highlight=False)
        report.say_dead_letters(console, stack.dead_letters)
        report.say(console, f"stopped; data is in {stack.data}")
    if options.as_json and status.said is not None:
        click.echo(json.dumps(status.said))
    return status.code


@dataclass(frozen=True)
class _Status:
    """The exit status, and the object that `--json` prints."""

    code: int = 0
    said: dict[str, Any] | None = None


async def _serve(stack: Stack, options: Options, console: Console, ended: asyncio.Event) -> _Status:
    from cplus.local import report
    from cplus.local.demo import Drive, Sizes, make_plan

    report.say_lost(console, stack.lost)
    report.say_dead_letters(console, await stack.aws.dead_letters())
    sizes = Sizes(options.shops, options.customers, options.conversations, options.seed)
    # A directory with demo data is not filled again, except by --once.
    fill = options.demo and (options.once or not stack.directory.filled())
    plan = make_plan(sizes, stack.directory.next_run() if fill else 1)
    drive = Drive(stack, plan)
    settled = stack.directory.settled()
    begin = drive.begin() if fill else drive.only_install(removed_stays=settled)
    try:
        if not await _unless(ended, report.timed(console, "demo", begin)):
            return _Status(INTERRUPTED)
        stack.directory.keep_settled()
        stack.publish(await drive.installed())
        report.say_where(console, _places(stack))
        if not options.once:  # the links would not work after it has stopped
            report.say_links(console, _links(stack))
        async with report.live(console, stack, quiet=options.as_json):
            status = _Status(0, _without_demo(stack))
            if fill:
                report.say(console, f"{_FILLING}: {_sizes(sizes)}")
                status = await _fill(stack, drive, console, ended)
            if not options.once and not ended.is_set():
                await _stay(stack, drive, sizes if options.demo else None, console, ended)
            return status if options.once or status.code == INTERRUPTED else _Status(0, status.said)
    finally:
        await drive.close()


async def _fill(stack: Stack, drive: Drive, console: Console, ended: asyncio.Event) -> _Status:
    """Runs the demo traffic and prints the summary."""
    status = _Status()

    async def run() -> None:
        nonlocal status
        summary = await drive.run()
        console.print(summary.text(), highlight=False, markup=False, soft_wrap=True)
        status = _Status(0 if summary.ok else 1, summary.as_json())

    if not await _unless(ended, run()):
        return _Status(INTERRUPTED)
    stack.directory.keep_filled()
    return status


async def _stay(
    stack: Stack, drive: Drive, sizes: Sizes | None, console: Console, ended: asyncio.Event
) -> None:
    """Runs until it is told to stop; with `sizes`, light demo traffic continues."""
    from cplus.local import report
    from cplus.local.demo import live

    if sizes:
        report.say(console, "light demo traffic continues; Ctrl-C stops")
    traffic = asyncio.ensure_future(
        live(drive, sizes, stack.directory.next_run) if sizes else ended.wait()
    )
    try:
        await _until(stack, ended, console)
    finally:
        traffic.cancel()
        await asyncio.wait([traffic])


def _places(stack: Stack) -> dict[str, str]:
    info = stack.info
    return {
        "Shopify Admin": stack.admin_url,  # a local one: each shop's, with the app in its frame
        "dashboard": info.web,  # in a window of its own
        "mailbox": f"{info.aws}/_mailbox/",
        "operator console": f"{info.web}/console",
        "operator token": stack.directory.secrets().operator_token,
        "for programs": str(stack.data / "stack.json"),
    }


def _links(stack: Stack) -> dict[str, str]:
    from cplus.commands.sessions import sign_in_link

    return {shop.partition(".")[0]: sign_in_link(stack.settings, shop) for shop in stack.info.shops}


def _without_demo(stack: Stack) -> dict[str, Any]:
    """What `--json` prints if no demo traffic was run."""
    return {"ok": True, "demo": False, "installed": list(stack.info.shops)}


def _sizes(sizes: Sizes) -> str:
    customers = counted(sizes.customers, "customer")
    return f"{customers}, {counted(sizes.conversations, 'conversation')}"


def _needs_lambda_runtime() -> None:
    if importlib.util.find_spec("awslambdaric") is None:
        raise RuntimeMissing


class RuntimeMissing(CplusError):
    """The Lambda runtime client awslambdaric is not installed: run
    `pip install 'conversations-plus[local]'` on Linux."""


def _signals(stack: Stack) -> asyncio.Event:
    """Set by the first SIGINT or SIGTERM; the second one stops everything at once."""
    ended = asyncio.Event()

    def asked() -> None:
        if ended.is_set():
            stack.end_at_once()
            os._exit(INTERRUPTED)
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked)
    return ended


async def _unless(ended: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Does the work. If `ended` is set first, cancels the work and returns False."""
    task = asyncio.ensure_future(work)
    waiting = asyncio.ensure_future(ended.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        await task
        return True
    task.cancel()
    await asyncio.wait([task])
    return False


async def _until(stack: Stack, ended: asyncio.Event, console: Console) -> None:
    """Returns once `ended` is set; raises the failure of a part that cannot be restarted."""
    from cplus.local import report

    said = stack.lost
    while not ended.is_set():
        if stack.lost is not said:  # the AWS endpoint was restarted
            said = stack.lost
            report.say_lost(console, said)
        failure = stack.failure()
        if failure:
            raise failure
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK):
                await ended.wait()
