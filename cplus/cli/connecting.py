"""How commands reach a database, and how they say what went wrong."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cplus.errors import CplusError

if TYPE_CHECKING:
    from typing import Self

    from cplus.aws import Aws
    from cplus.settings import Settings
    from cplus.subscriptions.checkpoints import Parked

F = TypeVar("F", bound=Callable[..., Any])

INTERRUPTED = 130
"""The status of a command that was stopped by Ctrl-C or SIGTERM."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""What stops a command."""

_PATIENCE = 5.0  # seconds until a database that does not answer is said to be away
_NOT_ALLOWED = (13, 18)  # Unauthorized, AuthenticationFailed


class NoStack(CplusError):
    """No stack runs on {data}: start one with `cplus up --data {data}`, or leave --data away and
    set CPLUS_MONGO_URI."""


class EmptyLog(CplusError):
    """There is no commit in {database}; see whether CPLUS_MONGO_URI and CPLUS_MONGO_DATABASE, or
    --data, name what was meant."""


class UnknownShop(CplusError):
    """There is no commit of {shops} in {database}; see whether --shop names what was meant."""


class WrongSetting(CplusError):
    """The environment variable {variable} has a value that it cannot have: {reason}."""


def data_option(command: F) -> F:
    """The option --data."""
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        help="Use the database of the stack that runs on this directory.",
    )(command)


def json_option(command: F) -> F:
    """The option --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)


def stack_of(data: Path) -> dict[str, Any]:
    """What the stack that runs on `data` says of itself. Raises NoStack."""
    try:
        info = json.loads((data / "stack.json").read_text("utf-8"))
        return {**info, "mongo": str(info["mongo"]), "database": str(info["database"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise NoStack(data=data) from None


def settings_of(data: Path | None) -> Settings:
    """The settings of the environment; with `data`, those of the stack that runs there. Raises
    NoStack and WrongSetting."""
    from pydantic import SecretStr, ValidationError

    from cplus.settings import Settings

    try:
        environment = Settings()
    except ValidationError as error:
        # Not its own words: they show the value, which may be a secret.
        wrong = error.errors(include_input=False, include_context=False)[0]
        name = "_".join(map(str, wrong["loc"]))
        raise WrongSetting(variable=f"CPLUS_{name.upper()}", reason=wrong["msg"]) from None
    if data is None:
        return environment
    info = stack_of(data)
    return Settings(
        mongo_uri=SecretStr(info["mongo"]),
        mongo_database=info["database"],
        mongo_keyring_database=f"{info['database']}_keyring",  # as the stack calls it
        import_queue=info.get("queues", {}).get("import", ""),
        send_queue=info.get("queues", {}).get("send", ""),
        rebuild_queue=info.get("queues", {}).get("rebuild", ""),
        roots_bucket=info.get("buckets", {}).get("roots", ""),
    )


@contextmanager
def failures() -> Iterator[None]:
    """Says what is wrong in one line, with status 1. Log lines go to standard error: warnings and
    what is worse, or those that CPLUS_LOG_LEVEL asks for."""
    from cplus.logs import configure_command
    from cplus.mongo import OperationFailure, PyMongoError

    try:
        configure_command(settings_of(None))
        yield
    except CplusError as error:
        raise click.ClickException(str(error)) from None
    except OperationFailure as error:
        name = (error.details or {}).get("codeName") or type(error).__name__
        rights = "; see whether CPLUS_MONGO_URI has the password of a user who may do this"
        said = f"the database refused what was asked of it ({name})"
        raise click.ClickException(said + rights * (error.code in _NOT_ALLOWED)) from None
    except PyMongoError as error:
        # The driver's own words may show the connection string.
        raise click.ClickException(
            f"the database did not answer ({type(error).__name__}); see whether it runs, and "
            "whether CPLUS_MONGO_URI, or --data, names it"
        ) from None


def standing_still(shop: str, parked: Parked) -> dict[str, Any]:
    """What --json says of a shop in which a read model stands still."""
    said = {"position": parked.position, "type": parked.type, "reason": parked.reason}
    return {"shop": shop, **said, "since": parked.since.isoformat()}


class Reached:
    """A database and the log in it, of the environment or of the stack on `data`; of all parts
    only what these commands use, for they shall start at once. Entered it is known to answer, and
    every connection ends with the block. Within it Ctrl-C and SIGTERM cancel what runs, so that
    what was begun is tidied away, where a command takes them not itself."""

    def __init__(self, data: Path | None) -> None:
        from cplus.events.log.store import EventStore
        from cplus.mongo import connect

        self._data = data
        self._open = AsyncExitStack()
        self.settings = settings_of(data)
        self.mongo = connect(self.settings)
        self._open.push_async_callback(self.mongo.close)
        self.store = EventStore(self.mongo)

    @cached_property
    def aws(self) -> Aws:
        """Queues and buckets of the environment or of the stack."""
        made = self._aws()
        self._open.push_async_callback(made.close)
        return made

    def _aws(self) -> Aws:
        from cplus.aws import Aws

        if self._data is None:
            return Aws()
        return Aws(
            endpoint_url=stack_of(self._data)["aws"],
            region_name=self.settings.region,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",  # noqa: S106  of the stack, which asks for none
        )

    def shops(
        self, chosen: Sequence[str], held: Collection[str], *, needed: bool = False
    ) -> list[str]:
        """The hosts that --shop names, each once; all that are `held` where it names none. Raises
        InvalidShop, UnknownShop, and where it is `needed` that any is held, EmptyLog."""
        from cplus.shopify.hosts import shop_host

        named = list(dict.fromkeys(map(shop_host, chosen)))
        database = self.settings.mongo_database
        if needed and not held:
            raise EmptyLog(database=database)
        if unknown := [shop for shop in named if shop not in held]:
            raise UnknownShop(shops=", ".join(unknown), database=database)
        return named or sorted(held)

    async def __aenter__(self) -> Self:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None  # noqa: S101  this runs in one
        for number in SIGNALS:
            loop.add_signal_handler(number, task.cancel)
        try:
            await self.mongo.answers(_PATIENCE)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._close()

    async def _close(self) -> None:
        for number in SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)
        await self._open.aclose()
