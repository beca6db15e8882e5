"""`cplus webhooks`: translates recorded webhooks again, after a fix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cplus.cli.connecting import Reached, data_of, failures, json_option
from cplus.cli.moments import moment
from cplus.cli.plain import plain
from cplus.cli.showing import bar
from cplus.counts import counted

if TYPE_CHECKING:
    from collections import Counter
    from datetime import datetime

    from cplus.consumers.webhooks.retranslate import Retranslated
    from cplus.consumers.webhooks.untranslated import Kind


@click.group()
def webhooks() -> None:
    """Translate recorded webhooks again."""


@webhooks.command("retranslate", short_help="Translate what could not be translated.")
@click.argument("host", required=False)
@click.option("--topic", help="Only webhooks of this topic, for example orders/create.")
@click.option(
    "--since", callback=moment, metavar="TIME", help="Only what was recorded since then (UTC)."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be translated.")
@data_of("the database, the buckets and the topic")
@json_option
def retranslate_command(
    *,
    host: str | None,
    topic: str | None,
    since: datetime | None,
    dry_run: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """Translate with today's code the recorded webhooks of HOST, or of all shops, that could not be
    translated when they came, or whose topic was not known. Each becomes a new commit that follows
    from the old one, once. Repeatable, and it can be stopped at any time. What was refused (another
    shop's, an uninstall that Shopify denied) is not translated again.

    Needs the same as the function `webhooks`: CPLUS_MONGO_URI, CPLUS_APPLICATION_SECRET,
    CPLUS_BODIES_BUCKET, CPLUS_SHOPIFY_CLIENT_ID, CPLUS_SHOPIFY_CLIENT_SECRET and AWS credentials;
    or --data.
    """
    from cplus.loop import run

    with failures():
        outcome = run(_retranslate(Reached(data), host, topic, since, dry_run=dry_run))
    click.echo(json.dumps(_told(outcome, dry_run)) if as_json else _text(outcome, dry_run))


async def _retranslate(
    at: Reached, host: str | None, topic: str | None, since: datetime | None, *, dry_run: bool
) -> Retranslated:
    from cplus.consumers.webhooks.retranslate import retranslate

    async with at:
        shop = None if host is None else await at.shop_of_log(host)
        with bar() as shown:
            task = shown.add_task("Translating again", total=None)

            def progress(done: int) -> None:
                shown.advance(task, done)

            return await retranslate(
                at.parts.webhooks,
                shop=shop,
                topic=topic,
                since=since,
                dry_run=dry_run,
                progress=progress,
            )


def _told(outcome: Retranslated, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "translated": _listed(outcome.translated),
        "untranslated": _listed(outcome.left),
        "translated_before": outcome.before,
    }


def _listed(counts: Counter[Kind]) -> list[dict[str, Any]]:
    return [
        {"topic": kind.topic, "reason": kind.reason, "webhooks": number}
        for kind, number in counts.most_common()
    ]


def _text(outcome: Retranslated, dry_run: bool) -> str:
    done = outcome.translated.total()
    verb = "would be translated" if dry_run else "translated"
    lines = [f"{counted(done, 'webhook')} {verb}"]
    lines += _lines(outcome.translated)
    if outcome.left:
        lines += [f"{counted(outcome.left.total(), 'webhook')} still not translated"]
        lines += _lines(outcome.left)
    if outcome.before:
        lines += [f"{counted(outcome.before, 'webhook')} translated again before"]
    return "\n".join(lines)


def _lines(counts: Counter[Kind]) -> list[str]:
    return [
        plain(f"  {number:>7,}  {kind.topic}  {kind.reason}")
        for kind, number in counts.most_common()
    ]
