"""To die or to stall at a step of what is tested, and to see that everything it does stands behind
one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from pymongo import monitoring

from cplus.aws import Aws
from cplus.events.log.store import EventStore
from cplus.mongo import Mongo, connect
from cplus.settings import Settings

READS = {
    *("hello", "isMaster", "ping", "find", "getMore", "aggregate", "killCursors", "endSessions"),
    *("saslStart", "saslContinue"),  # a new connection signs in whenever it is needed
}
"""Commands that change nothing that is stored."""


IN_A_TRANSACTION = {"write_rows", "commit"}
"""Steps before which a runner has written its checkpoint in a transaction: who writes to it as well
waits for the end of that."""


class Died(BaseException):
    """The process is gone: nobody catches it to tidy up."""


def dies_at(step: str, time_of_death: int) -> Callable[[str], None]:
    """Dies where the step is to be taken for the first time, the second, ...; who is dead takes no
    other step either, whatever it did side by side."""
    passed = 0

    def at_step(name: str) -> None:
        nonlocal passed
        passed += name == step
        if passed >= time_of_death:
            raise Died

    return at_step


def once(step: str, work: Callable[[], None]) -> Callable[[str], None]:
    """Does the work in front of the step, the first time that it is to be taken."""
    left = [work]

    def at_step(name: str) -> None:
        if name == step and left:
            left.pop()()

    return at_step


Work = Callable[[Mongo, EventStore], Awaitable[None]]


class Elsewhere:
    """Another process: a thread with a loop and connections of its own, while this loop stalls."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    def begins(self, work: Work) -> None:
        """The work is begun, and ends when it ends."""

        async def connected() -> None:
            mongo = connect(self._settings)
            try:
                await work(mongo, EventStore(mongo))
            finally:
                await mongo.close()

        def run() -> None:
            try:
                asyncio.run(connected())
            except BaseException as error:  # noqa: BLE001  raised by `ends`
                self._errors.append(error)

        self._threads.append(threading.Thread(target=run))
        self._threads[-1].start()

    def ends(self) -> None:
        """All of it has ended; raises what it raised."""
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads)
        for error in self._errors:
            raise error

    def another(self) -> Elsewhere:
        """One more process."""
        return Elsewhere(self._settings)

    def runs(self, work: Work) -> None:
        """From its begin to its end."""
        self.begins(work)
        self.ends()


class Written(monitoring.CommandListener):
    """Notes each step, each command to the server that changes what is stored, and each call of
    AWS that it is told of, in order."""

    def __init__(self) -> None:
        self.noted: list[str] = []

    def step(self, name: str) -> None:
        """A step is about to be taken."""
        self.noted.append(name)

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """A command goes to the server."""
        if event.command_name not in READS:
            collection = event.command.get(event.command_name)
            on = f" {collection}" if isinstance(collection, str) else ""
            self.noted.append(f"> {event.command_name}{on}")

    def called(self, model: Any, **_: Any) -> None:
        """AWS is called, as botocore tells it."""
        self.noted.append(f"> {model.name}")

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Nothing more is to be known of it."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Whoever sent it raises."""

    def by_step(self) -> dict[str, set[tuple[str, ...]]]:
        """The commands and calls between each step and the next."""
        found: dict[str, set[tuple[str, ...]]] = {}
        step, commands = "", list[str]()
        for one in [*self.noted, ""]:
            if one.startswith("> "):
                commands.append(one.removeprefix("> "))
            else:
                if step or commands:
                    found.setdefault(step, set()).add(tuple(commands))
                step, commands = one, []
        return found


class HeardAws(Aws):
    """Clients of AWS, whichever are made, that tell of each call before they make it."""

    def __init__(self, written: Written) -> None:
        super().__init__()
        self._written = written

    async def client(self, service: str, *, tries: int = 3) -> Any:
        """The client of `service`."""
        made = await super().client(service, tries=tries)
        made.meta.events.register("before-call", self._written.called, unique_id="heard")
        return made
