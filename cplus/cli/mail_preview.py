"""`cplus mail preview`: writes every kind of mail that we send to files, with invented content."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cplus.cli.plain import plain
from cplus.counts import counted

if TYPE_CHECKING:
    from cplus.consumers.sending.examples import Example
    from cplus.consumers.sending.purpose import Mail


@click.command("preview", short_help="Write every kind of mail that we send to files.")
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only this kind; repeatable.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("mail-preview"),
    show_default=True,
    help="The directory to write to.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def preview_command(kinds: Sequence[str], out: Path, *, as_json: bool) -> None:
    """Write every kind of mail that we send, as it goes out in an invented shop.

    Each mail becomes three files: NAME.eml, the raw mail; NAME.txt and NAME.html, its two texts.
    Files of the same names are overwritten. Needs no database and no network.
    """
    from cplus.consumers.sending.examples import examples

    known = list(examples())
    names = list(dict.fromkeys(one.kind for one in known))
    if unknown := [kind for kind in kinds if kind not in names]:
        raise click.BadParameter(
            f"{unknown[0]!r} is no kind of mail: {', '.join(names)}.", param_hint="--kind"
        )
    chosen = [one for one in known if not kinds or one.kind in kinds]
    mails = asyncio.run(_rendered(chosen))
    written = [_write(one, made, out) for one, made in zip(chosen, mails, strict=True)]
    if as_json:
        click.echo(json.dumps({"mails": written}, indent=2))
        return
    for one in written:
        click.echo(plain(f"{one['name']:<32}{one['subject']}"))
    click.echo(f"\n{counted(len(written), 'mail')} written to {plain(str(out))}")


async def _rendered(chosen: Sequence[Example]) -> list[Mail]:
    from cplus.consumers.sending.examples import render

    return [await render(example) for example in chosen]


def _write(example: Example, mail: Mail, out: Path) -> dict[str, Any]:
    """Writes the files of a mail; answers what is told of it."""
    read = message_from_bytes(mail.raw, policy=default)
    texts = {"eml": mail.raw, "txt": _text(read, "plain"), "html": _text(read, "html")}
    paths = [out / f"{example.name}.{ending}" for ending in texts]
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path, text in zip(paths, texts.values(), strict=True):
            path.write_bytes(text)
    except OSError as error:
        raise click.FileError(str(error.filename or out), error.strerror) from None
    return {
        "kind": example.kind,
        "name": example.name,
        "from": mail.sender,
        "to": list(mail.recipients),
        "subject": str(read["Subject"]),
        "size": len(mail.raw),
        "files": [str(path) for path in paths],
    }


def _text(mail: EmailMessage, kind: str) -> bytes:
    body = mail.get_body((kind,))
    text = "" if body is None else str(body.get_content())
    return text.replace("\r\n", "\n").encode("utf-8")
