"""`cplus` with one more command, of which the database refuses something."""

from __future__ import annotations

import click

from cplus.cli import main
from cplus.cli.connecting import failures
from cplus.mongo import OperationFailure


@main.command()
@click.argument("code", type=int)
@click.argument("name")
def refused(code: int, name: str) -> None:
    with failures():
        raise OperationFailure("sesame", code, {"codeName": name})


if __name__ == "__main__":
    main()
