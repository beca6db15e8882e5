"""`cplus keys`: rotates the keys that wrap others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cplus.cli.connecting import Reached, data_option, failures, json_option
from cplus.counts import counted

if TYPE_CHECKING:
    from cplus.privacy.keyring import Rotated


@click.group()
def keys() -> None:
    """Rotate the keys that wrap the keys of persons."""


@keys.group("rotate", short_help="Rotate a wrapping key.")
def rotate() -> None:
    """Make a new wrapping key, and wrap again with it what the older ones wrap.

    No key of a person changes, and no commit. An older wrapping key is deleted by a rotation that
    comes at least an hour after it was retired: to be rid of one, rotate twice.
    """


@rotate.command("application")
@data_option
@json_option
def application(*, data: Path | None, as_json: bool) -> None:
    """Rotate the application key, which wraps the keys of all shops.

    KMS wraps the new one if CPLUS_KMS_KEY_ID is set, otherwise the application secret. Needs
    CPLUS_MONGO_URI, and CPLUS_KMS_KEY_ID with AWS credentials, or CPLUS_APPLICATION_SECRET; or
    --data.
    """
    _rotate(data, None, as_json=as_json)


@rotate.command("shop")
@click.argument("host")
@data_option
@json_option
def shop(*, host: str, data: Path | None, as_json: bool) -> None:
    """Rotate the key of a shop, which wraps the keys of its persons.

    Needs the same as `cplus keys rotate application`.
    """
    _rotate(data, host, as_json=as_json)


def _rotate(data: Path | None, host: str | None, *, as_json: bool) -> None:
    from cplus.loop import run

    with failures():
        done = run(_rotated(Reached(data), host))
    if as_json:
        click.echo(json.dumps(done._asdict()))
        return
    click.echo(
        f"{done.key} wraps new keys, and {counted(done.wrapped, 'key')} of before; "
        f"{counted(done.deleted, 'older wrapping key')} deleted, {done.retired} left"
    )


async def _rotated(at: Reached, host: str | None) -> Rotated:
    from cplus.privacy.keyring import APPLICATION, rotate, shop_owner

    async with at:
        owner = APPLICATION
        if host is not None:
            [named] = await at.shops_of_log([host])
            owner = shop_owner(named)
        return await rotate(at.keyring, owner)
