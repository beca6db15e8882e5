"""`cplus mail`: shows how the system reads an email, and what it sends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cplus.cli.mail_preview import preview_command
from cplus.cli.plain import plain
from cplus.counts import counted
from cplus.errors import CplusError

if TYPE_CHECKING:
    from cplus.mail import ContactForm, InboundMail


class NoMail(CplusError):
    """{name} ({size}) is not an email: it has none of the usual headers, such as From, To, Date or
    Subject."""


@click.group()
def mail() -> None:
    """Show how the system reads an email, and write what it sends to files."""


mail.add_command(preview_command)


@mail.command("parse", short_help="Show how the system reads an email.")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def parse_command(file: Path, *, as_json: bool) -> None:
    """Show how the system reads the raw email in FILE; `-` reads standard input.

    Problems are listed under "defects". Input without any email headers ends with status 1; with
    --json it is still printed as the system would record it.
    """
    from cplus.mail import NO_MAIL, contact_form, parse

    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from None
    found = parse(raw)
    form = contact_form(found)
    if as_json:
        import json

        said = found.model_dump(mode="json")
        said["contact_form"] = form.model_dump(mode="json") if form else None
        click.echo(json.dumps(said, indent=2))
    if NO_MAIL in found.defects:
        name = "standard input" if str(file) == "-" else file
        raise click.ClickException(str(NoMail(name=name, size=counted(len(raw), "byte"))))
    if as_json:
        return
    for label, value in _lines(found, form):
        click.echo(plain(f"{label + ':':<14}{value}"))
    click.echo("\n" + plain(form.body if form else found.reply_text))


def _lines(found: InboundMail, form: ContactForm | None) -> list[tuple[str, str]]:
    """The labelled lines above the text; empty values are left out."""
    address = found.from_address or found.from_original
    lines = [
        ("Message-ID", found.message_id or ""),
        ("From", f"{found.from_name} {f'<{address}>' if address else ''}".strip()),
        ("Reply-To", found.reply_to or ""),
        ("Subject", found.subject),
        ("Date", found.date.isoformat() if found.date else ""),
        ("References", str(len(found.references)) if found.references else ""),
        ("Automatic", found.automatic_reason or ""),
        ("Bounce", "yes" if found.bounce else ""),
        ("Defects", "; ".join(found.defects)),
    ]
    lines += [
        ("Attachment", f"{one.name} ({one.content_type}, {counted(one.size, 'byte')})")
        for one in found.attachments
    ]
    if form:
        lines += [
            ("Form", "read" if form.structured else "not recognised: showing the text as it is"),
            ("Name", form.name),
            ("Email", form.email or ""),
            ("Phone", form.phone),
            ("Country", form.country_code),
            *form.fields.items(),
        ]
    return [(label, value) for label, value in lines if value]
