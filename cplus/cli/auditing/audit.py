"""`cplus audit`: verifies that the log was not changed, and shows what was so at a time."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cplus.cli.auditing.as_it_was import at_command
from cplus.cli.connecting import Reached, data_option, failures, json_option
from cplus.counts import counted

if TYPE_CHECKING:
    from cplus.events.audit.chain import Finding


@click.group()
def audit() -> None:
    """Verify the log's integrity; show the past."""


audit.add_command(at_command)


@audit.command("verify", short_help="Verify the hash chain.")
@click.option("--shop", "shops", multiple=True, help="Only this shop; repeatable.")
@click.option("--roots", is_flag=True, help="Also check against the anchored root of each day.")
@data_option
@json_option
def verify(*, shops: Sequence[str], roots: bool, data: Path | None, as_json: bool) -> None:
    """Walk the hash chain of each shop and name the first commit that was tampered with.

    Finds commits that were altered, removed, inserted or moved. To find an end of the log that
    was rewritten with matching hashes, use --roots. Needs CPLUS_MONGO_URI, and CPLUS_ROOTS_BUCKET
    for --roots; or --data.
    """
    from cplus.loop import run

    with failures():
        report = run(_verify(Reached(data), shops, roots=roots))
    click.echo(json.dumps(report.as_json()) if as_json else report.text())
    sys.exit(0 if report.ok else 1)


@dataclass(frozen=True)
class Report:
    """What an audit checked and found."""

    shops: int
    commits: int
    roots: int | None
    """Days checked; None without --roots."""
    findings: Sequence[Finding]
    wrong_roots: Sequence[str]
    days_without_root: Sequence[str]
    """Days without a root since the first one, except today."""

    @property
    def ok(self) -> bool:
        """Whether all that was asked for is proven: nothing was tampered with."""
        return not self.findings and not self.wrong_roots

    @property
    def unanchored(self) -> bool:
        """Whether no day has a root yet, and none needs to have one."""
        return self.ok and self.roots == 0

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"ok": self.ok, **asdict(self)}

    def text(self) -> str:
        """For people."""
        lines = [
            f"{found.shop}: position {found.position} was {found.kind}"
            f"{f', commit {found.commit}' if found.commit else ''}: {found.reason}"
            for found in self.findings
        ]
        against = (
            "" if self.roots is None else f" against the roots of {counted(self.roots, 'day')}"
        )
        verdict = "intact" if self.ok else "TAMPERED WITH"
        if self.unanchored:
            verdict = "intact, and not anchored yet"
        without = [f"{day} has no root" for day in self.days_without_root]
        seen = (
            f"{counted(self.shops, 'shop')}, {counted(self.commits, 'commit')}{against}: {verdict}"
        )
        return "\n".join([*lines, *self.wrong_roots, *without, seen])


async def _verify(at: Reached, chosen: Sequence[str], *, roots: bool) -> Report:
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TimeRemainingColumn

    from cplus.clock import utc_now
    from cplus.events.audit.roots import Roots, load_roots, shops_of, verify_shop

    async with at:
        known = Roots()
        if roots:
            bucket, first = at.settings.needed("roots_bucket"), await at.store.began()
            began = None if first is None else first.date()
            known = await load_roots(at.aws, bucket, utc_now().date(), began=began)
        heads = await at.store.heads()
        shops = at.shops(chosen, shops_of(heads, known), needed=True)
        findings, walked = [], 0
        columns = (
            *(SpinnerColumn(), *Progress.get_default_columns()[:2]),
            *(MofNCompleteColumn(), TimeRemainingColumn()),
        )
        console = Console(stderr=True)
        hidden = not console.is_terminal
        with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
            total = sum(heads.get(shop, 0) for shop in shops)
            bar = progress.add_task("commits", total=total)
            for shop in shops:
                done = 0

                def seen(position: int, before: int = walked) -> None:
                    nonlocal done
                    done = position
                    progress.update(bar, completed=before + position)

                found = await verify_shop(at.store.log, shop, known.expected.get(shop), seen)
                walked += done
                if found:
                    findings.append(found)
        days = len(known.days) if roots else None
        without = [day.isoformat() for day in known.without]
        return Report(len(shops), walked, days, findings, known.wrong, without)
