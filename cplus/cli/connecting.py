"""How commands connect to a database and report errors."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from cplus.errors import CplusError, SettingMissing

if TYPE_CHECKING:
    from typing import Self

    from pydantic import SecretStr

    from cplus.aws import Aws, DeadLetters
    from cplus.bootstrap import Parts
    from cplus.settings import Settings
    from cplus.subscriptions.checkpoints import Parked

F = TypeVar("F", bound=Callable[..., Any])

INTERRUPTED = 130
"""Exit status of a command that was interrupted by Ctrl-C or SIGTERM."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""The signals that stop a command."""

_AWS_VARIABLES = {
    "endpoint_url": "AWS_ENDPOINT_URL",
    "region_name": "AWS_DEFAULT_REGION",
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
}
_PLACES = ("queue", "topic", "bucket")  # the last word of settings that name one
_PATIENCE = 5.0  # seconds to wait for the database before giving up
_NO_CHARACTER = "surrogates not allowed"  # what Python makes of other bytes in an argument
_NOT_ALLOWED = (13, 18)  # Unauthorized, AuthenticationFailed


class NoDatabase(CplusError):
    """The setting mongo_uri has no value; set the environment variable CPLUS_MONGO_URI, or give
    --data DIR."""


class NoStack(CplusError):
    """No stack is running on {data}: start one with `cplus up --data {data}`, or leave out
    --data and set CPLUS_MONGO_URI."""


class EmptyLog(CplusError):
    """{database} holds no commits; check CPLUS_MONGO_URI and CPLUS_MONGO_DATABASE, or --data."""


class UnknownShop(CplusError):
    """{database} holds no commits of {shops}; check how it is spelled."""


class WrongSetting(CplusError):
    """The environment variable {variable} has an invalid value: {reason}."""


def data_of(what: str) -> Callable[[F], F]:
    """The option --data of a command that uses this of a local stack."""
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        help=f"Use {what} of the local stack running on this directory.",
    )


data_option: Final = data_of("the database")
"""The option --data of most commands."""


def json_option(command: F) -> F:
    """The option --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)


def stack_of(data: Path) -> dict[str, Any]:
    """The contents of `stack.json` of the stack that runs on `data`. Raises NoStack."""
    try:
        info = json.loads((data / "stack.json").read_text("utf-8"))
        return {**info, "mongo": str(info["mongo"]), "database": str(info["database"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise NoStack(data=data) from None


def settings_of(data: Path | None) -> Settings:
    """The settings from the environment, or with `data` those of the stack that runs there.
    Raises NoStack and WrongSetting."""
    from pydantic import SecretStr, ValidationError

    from cplus.settings import Settings

    try:
        environment = Settings()
    except ValidationError as error:
        # Not the error's own message: it shows the value, which may be a secret.
        wrong = error.errors(include_input=False, include_context=False)[0]
        name = "_".join(map(str, wrong["loc"]))
        raise WrongSetting(variable=f"CPLUS_{name.upper()}", reason=wrong["msg"]) from None
    if data is None:
        return environment
    info = stack_of(data)
    secret = _secret_of(data) or environment.application_secret
    return Settings(
        application_secret=secret,
        stage="local",
        mongo_uri=SecretStr(info["mongo"]),
        mongo_database=info["database"],
        mongo_keyring_database=f"{info['database']}_keyring",  # as the stack calls it
        kms_key_id=info.get("kms_key_id", ""),
        shopify_client_id=info.get("client_id", ""),
        shopify_client_secret=SecretStr(info.get("client_secret", "")),
        shopify_origin=f"{info.get('shopify', '')}/{{shop}}",  # and never the real one
        **_places(info, Settings.model_fields),
    )


def _places(info: Mapping[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """Every setting that names a queue, a topic or a bucket, with the one that the stack calls so,
    or with an empty text."""
    parts = [(name, *name.rpartition("_")[::2]) for name in settings]
    return {
        name: info.get(f"{kind}s", {}).get(called.replace("_", "-"), "")
        for name, called, kind in parts
        if kind in _PLACES
    }


def _secret_of(data: Path) -> SecretStr | None:
    """The application secret of the stack, from a file that its user alone may read."""
    from pydantic import SecretStr

    try:
        return SecretStr(
            json.loads((data / "secrets.json").read_text("utf-8"))["application_secret"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def failures() -> Iterator[None]:
    """Reports an error in one line, with status 1. Log lines go to standard error: warnings and
    errors, or the level set by CPLUS_LOG_LEVEL."""
    from cplus.logs import configure_command
    from cplus.mongo import OperationFailure, PyMongoError

    try:
        configure_command(settings_of(None))
        yield
    except CplusError as error:
        raise click.ClickException(str(error)) from None
    except UnicodeEncodeError as error:
        if error.reason != _NO_CHARACTER:
            raise
        raise click.ClickException("an argument is not valid UTF-8") from None
    except OperationFailure as error:
        name = (error.details or {}).get("codeName") or type(error).__name__
        rights = "; check the user and password in CPLUS_MONGO_URI"
        said = f"the database refused the request ({name})"
        raise click.ClickException(said + rights * (error.code in _NOT_ALLOWED)) from None
    except PyMongoError as error:
        # The driver's own message may show the connection string.
        raise click.ClickException(
            f"the database did not answer ({type(error).__name__}); check that it is running, and "
            "CPLUS_MONGO_URI or --data"
        ) from None


def parked_shop(shop: str, parked: Parked) -> dict[str, Any]:
    """What --json reports for a shop in which a read model is parked."""
    said = {"position": parked.position, "type": parked.type, "reason": parked.reason}
    return {"shop": shop, **said, "since": parked.since.isoformat()}


class ReachedAws:
    """Queues and buckets, from the environment or from the stack on `data`: for commands that work
    without a database.

    Leaving the block closes every connection. Within it, Ctrl-C and SIGTERM cancel the running task
    so that it can clean up, unless a command handles the signals itself.
    """

    def __init__(self, data: Path | None) -> None:
        self._data = data
        self._open = AsyncExitStack()
        self.settings = settings_of(data)

    @cached_property
    def aws(self) -> Aws:
        """Queues and buckets of the environment or of the stack."""
        made = self._aws()
        self._open.push_async_callback(made.close)
        return made

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """The dead-letter queues of the stage."""
        from cplus.aws import DeadLetters

        return DeadLetters(self.aws, self.settings.stage)

    def _aws(self) -> Aws:
        from cplus.aws import Aws

        return Aws(**self.aws_options)

    @cached_property
    def aws_options(self) -> dict[str, str]:
        """The options of AWS's clients; none if its own environment variables apply."""
        if self._data is None or "aws" not in (info := stack_of(self._data)):
            return {}
        return {
            "endpoint_url": info["aws"],
            "region_name": self.settings.region,
            "aws_access_key_id": "testing",
            "aws_secret_access_key": "testing",  # of the stack, which asks for none
        }

    @property
    def aws_environment(self) -> dict[str, str]:
        """The same, as environment variables of another process."""
        return {_AWS_VARIABLES[name]: value for name, value in self.aws_options.items()}

    async def __aenter__(self) -> Self:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None  # noqa: S101  this runs in one
        for number in SIGNALS:
            loop.add_signal_handler(number, task.cancel)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._close()

    async def _close(self) -> None:
        for number in SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)
        await self._open.aclose()


class Reached(ReachedAws):
    """A database and its log too. Only the parts that these commands use, so that they start fast.

    Entering the block checks that the database answers.
    """

    def __init__(self, data: Path | None) -> None:
        from cplus.mongo import connect
        from cplus.privacy.sealed_log import sealed_log

        super().__init__(data)
        try:
            self.mongo = connect(self.settings)
        except SettingMissing:
            raise NoDatabase from None
        self._open.push_async_callback(self.mongo.close)
        self.log = sealed_log(self.settings, self.mongo, lambda: self.aws)
        self.keyring, self.store, self.reader = self.log

    @cached_property
    def parts(self) -> Parts:
        """All that the system's own processes use. Without a topic of nudges, the sweep tells the
        readers of the log what is recorded."""
        from cplus.bootstrap import Parts  # which takes a while to import
        from cplus.events.nudges import Untold

        return Parts(
            self.settings,
            mongo=self.mongo,
            aws=self.aws,
            log=self.log,
            nudger=None if self.settings.nudges_topic else Untold(),
        )

    def shops(
        self, chosen: Sequence[str], held: Collection[str], *, needed: bool = False
    ) -> list[str]:
        """The hosts named by --shop, without repeats; all of `held` if none is named. Raises
        InvalidShop, UnknownShop, and EmptyLog if `needed` and `held` is empty."""
        from cplus.shopify.hosts import shop_host

        named = list(dict.fromkeys(map(shop_host, chosen)))
        database = self.settings.mongo_database
        if needed and not held:
            raise EmptyLog(database=database)
        if unknown := [shop for shop in named if shop not in held]:
            raise UnknownShop(shops=", ".join(unknown), database=database)
        return named or sorted(held)

    async def shops_of_log(self, chosen: Sequence[str]) -> list[str]:
        """The hosts named by --shop, each of which has a log. Raises what `shops` raises."""
        from cplus.shopify.hosts import shop_host

        named, held, empty = set(map(shop_host, chosen)), set[str](), True
        async for heads in self.store.heads_in_pages():
            empty, held = False, held | (named & heads.keys())
        return self.shops(chosen, held, needed=empty)

    async def shop_of_log(self, chosen: str) -> str:
        """The host, which has a log. Raises InvalidShop and UnknownShop."""
        from cplus.shopify.hosts import shop_host

        shop = shop_host(chosen)
        if not (await self.store.head(shop)).position:
            raise UnknownShop(shops=shop, database=self.settings.mongo_database)
        return shop

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            await self.mongo.answers(_PATIENCE)
        except BaseException:
            await self._close()
            raise
        return self
