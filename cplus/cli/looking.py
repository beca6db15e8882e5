"""Who looks at personal data with the command `cplus`: said by name, and recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cplus.errors import InvalidActor

if TYPE_CHECKING:
    from cplus.actors import Actor
    from cplus.cli.connecting import Reached
    from cplus.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


_NO_NAME = (
    "This shows personal data, so who looks is recorded: give your name with --operator NAME, or "
    "set the environment variable CPLUS_OPERATOR."
)
_NOT_A_NAME = "A name has 1 to 64 of the characters A-Z a-z 0-9 . _ - and is not merchant."


def operator_option(command: F) -> F:
    """The option --operator."""
    return click.option(
        "--operator",
        "name",
        metavar="NAME",
        help="Your name, under which the look is recorded; CPLUS_OPERATOR by default.",
    )(command)


def operator_of(settings: Settings, name: str | None) -> Actor:
    """Who uses the command; a name that is missing or cannot be one is wrong usage."""
    from cplus.actors import operator

    given = name if name is not None else settings.operator
    if not given.strip():
        raise click.UsageError(_NO_NAME)
    try:
        return operator(given.strip())
    except InvalidActor:
        raise click.BadParameter(_NOT_A_NAME, param_hint="--operator") from None


async def looked(
    at: Reached,
    shop: str,
    question: str,
    about: str,
    actor: Actor,
    concerning: Iterable[str] = (),
) -> None:
    """Records that the operator asks this of the shop's log, about what has the refs `concerning`.
    Call it before anything is shown; who it is, ask before the log is asked anything, as errors
    tell of it too. Raises as `look` does."""
    from cplus.commands.looking import look

    await look(
        shop,
        question=question,
        about=about,
        actor=actor,
        source="cli",
        use=at.parts.looks,
        concerning=concerning,
    )
