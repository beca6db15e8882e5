"""`cplus prove`: shows what a deployment would change in the rows, before deploying."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cplus.cli.connecting import Reached, data_option, failures, json_option
from cplus.cli.showing import bar
from cplus.counts import counted

if TYPE_CHECKING:
    from cplus.cli.read_models.versions import Code, ReleaseProcess
    from cplus.projections.checks.compare_releases import Findings, Pair, Tally
    from cplus.projections.checks.intended import IntendedDifference

_FILE = Path("prove.toml")
_FEW = 10


@click.command()
@click.option(
    "--against",
    required=True,
    metavar="VERSION",
    help="The code running now: a folder or zip file with cplus/ in it, or a git commit.",
)
@click.option(
    "--meant",
    "meant_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"File listing the intended differences; {_FILE} if it exists.",
)
@click.option("--python", help="Python to run the other code with; this one by default.")
@click.option("--projection", "names", multiple=True, help="Only this projection; repeatable.")
@click.option("--shop", "shops", multiple=True, help="Only this shop; repeatable.")
@click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True,
    help="Shops compared in parallel, each with one process per version.",
)  # fmt: skip
@data_option
@json_option
def prove(
    *, against: str, meant_file: Path | None, python: str | None, names: Sequence[str],
    shops: Sequence[str], workers: int, data: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Fold the log with the code running now and with this code, and compare the rows.

    The gate before a deployment: exits with status 1 if rows differ that are not listed as
    intended. Names rows and fields, never values. Reads only the log. Needs CPLUS_MONGO_URI, or
    --data.
    """
    from cplus.loop import run

    with failures(), tempfile.TemporaryDirectory(prefix="cplus-prove-") as folder:
        from cplus.cli.read_models.versions import code_at, this_code
        from cplus.projections.checks.intended import read_intended

        path = meant_file or (_FILE if _FILE.is_file() else None)
        meant = read_intended(path) if path else ()
        old, new = code_at(against, Path(folder), python), this_code(Path(folder))
        proof = _Proof(Reached(data), old, new, meant)
        said = run(proof.made(names, shops, workers))
    click.echo(json.dumps(said) if as_json else _text(said, path))
    sys.exit(0 if said["ok"] else 1)


class _Proof:
    """One comparison of two versions of the code over the log."""

    def __init__(
        self, at: Reached, old: Code, new: Code, meant: Sequence[IntendedDifference]
    ) -> None:
        self._at, self._old, self._new, self._meant = at, old, new, meant
        self._findings: Findings
        self._events = 0

    async def made(
        self, names: Sequence[str], chosen: Sequence[str], workers: int
    ) -> dict[str, Any]:
        from cplus.projections.checks.compare_releases import Findings, pairs

        async with self._at:
            heads = await self._at.store.heads()
            held = self._at.shops(chosen, heads, needed=True)
            # Longest logs first, so that no worker ends up alone with one.
            shops = sorted(held, key=lambda shop: (-heads[shop], shop))
            async with AsyncExitStack() as stack:
                couples = [await self._couple(stack)]
                old, new = couples[0]
                compared = _wanted(pairs(old.projections, new.projections), names)
                self._findings = Findings(self._meant, compared)
                more = range(min(workers, len(shops)) - 1)
                couples += [await self._couple(stack) for _ in more]
                await self._compare(couples, shops, heads)
        return _said(self._findings, self._old.name, len(shops), self._events)

    async def _couple(self, stack: AsyncExitStack) -> tuple[ReleaseProcess, ReleaseProcess]:
        """Starts one process of each version."""
        from cplus.cli.read_models.versions import release_process

        settings = self._at.settings
        reached = {
            "CPLUS_MONGO_URI": settings.secret("mongo_uri"),
            "CPLUS_MONGO_DATABASE": settings.mongo_database,
            "CPLUS_MONGO_KEYRING_DATABASE": settings.mongo_keyring_database,
            "CPLUS_KMS_KEY_ID": settings.kms_key_id,
            **self._at.aws_environment,
        }
        if settings.application_secret is not None:
            reached["CPLUS_APPLICATION_SECRET"] = settings.application_secret.get_secret_value()
        old = await stack.enter_async_context(release_process(self._old, reached))
        new = await stack.enter_async_context(release_process(self._new, reached))
        await old.hello()
        await new.hello()
        return old, new

    async def _compare(
        self,
        couples: Sequence[tuple[ReleaseProcess, ReleaseProcess]],
        shops: Sequence[str],
        heads: dict[str, int],
    ) -> None:
        left = deque(shops)
        folded = [pair for pair in self._findings.tallies if pair.after is not None]
        with bar("commits folded") as shown:
            total = sum(heads.get(shop, 0) for shop in shops) * len(folded)
            task = shown.add_task(self._old.name, total=total)

            async def work(old: ReleaseProcess, new: ReleaseProcess) -> None:
                try:
                    while left:
                        shop = left.popleft()
                        done = partial(shown.advance, task, heads.get(shop, 0))
                        await self._shop(old, new, shop, folded, done)
                finally:
                    left.clear()  # after a failure, start no other shop

            works = (work(*couple) for couple in couples)
            for outcome in await asyncio.gather(*works, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome

    async def _shop(
        self,
        old: ReleaseProcess,
        new: ReleaseProcess,
        shop: str,
        folded: Sequence[Pair],
        done: Callable[[], None],
    ) -> None:
        from cplus.projections.checks.compare_releases import compare_shop

        head = await self._at.store.head(shop)
        end = (head.position, head.seq)
        self._events += head.seq
        old.ask(shop, end, [(one.name, one.before) for one in folded if one.before is not None])
        new.ask(shop, end, [(one.name, one.after) for one in folded])
        for pair in folded:
            before = None if pair.before is None else old
            await compare_shop(self._findings, pair, shop, before, new)
            done()


def _wanted(compared: Sequence[Pair], names: Sequence[str]) -> list[Pair]:
    from cplus.projections.generations.lineage import UnknownProjection

    known = {pair.name for pair in compared}
    for name in names:
        if name not in known:
            raise UnknownProjection(name=name, known=", ".join(sorted(known)))
    return [pair for pair in compared if not names or pair.name in names]


def _said(findings: Findings, against: str, shops: int, events: int) -> dict[str, Any]:
    return {
        "ok": not findings.total,
        "against": against,
        "shops": shops,
        "events": events,
        "total": findings.total,
        "projections": [_of_one(tally) for tally in findings.tallies.values()],
        "differences": [asdict(change) for change in findings.shown],
        "declared": [asdict(change) for change in findings.declared],
        "meant_nothing": [entry.model_dump() for entry in findings.unused],
    }


def _of_one(tally: Tally) -> dict[str, Any]:
    pair = tally.pair
    return {
        "name": pair.name,
        "version": pair.after,
        "version_before": pair.before,
        "rows": tally.rows,
        "rows_before": tally.rows_before,
        "differences": tally.wrong.total(),
        "kinds": dict(tally.wrong),
        "meant": tally.meant,
        "declared": tally.declared,
        "fields": dict(tally.fields),
        "both_stop": tally.both_stop,
    }


def _text(said: dict[str, Any], meant: Path | None) -> str:
    lines = [_line(change) for change in said["differences"]]
    if said["total"] > len(lines):
        lines.append(f"… and {said['total'] - len(lines):,} more")
    lines += [f"{_line(change)} (declared by a new version)" for change in said["declared"][:_FEW]]
    lines += map(_line_of_one, said["projections"])
    lines += [
        f"{meant} lists a difference that does not exist: {entry['change']} in "
        f"{entry['projection']}: {entry['reason']}"
        for entry in said["meant_nothing"]
    ]
    known = any(one["meant"] or one["declared"] for one in said["projections"])
    fine = "all intended" if known else "none"
    verdict = fine if said["ok"] else f"{said['total']:,} not intended"
    counts = f"{counted(said['shops'], 'shop')}, {counted(said['events'], 'event')}"
    lines.append(f"against {said['against']}: {counts}, differences: {verdict}")
    return "\n".join(lines)


def _line(change: dict[str, Any]) -> str:
    place = " ".join(filter(None, (change["projection"], change["shop"]))) + (
        f"/{change['key']}" if change["key"] else ""
    )
    fields = f" in {', '.join(change['fields'])}" if change["fields"] else ""
    reason = f" at {change['reason']}" if change["reason"] else ""
    return f"{place}: {change['kind'].replace('_', ' ')}{fields}{reason}"


def _line_of_one(one: dict[str, Any]) -> str:
    name, old, new = one["name"], one["version_before"], one["version"]
    if new is None:
        return f"{name} v{old}: not in this code"
    if old is None:
        return f"{name} v{new}: new, {counted(one['rows'], 'row')}"
    title = f"{name} v{new}" if old == new else f"{name} v{new}, replaces v{old}"
    counts = [
        f"{one[what]:,} {word}"
        for what, word in (
            ("differences", "not intended"),
            ("meant", "intended"),
            ("declared", "declared"),
        )
        if one[what]
    ]
    fields = ", ".join(f"{count:,} × {field}" for field, count in one["fields"].items())
    said = f"{', '.join(counts) or 'identical'}{f' ({fields})' if fields else ''}"
    stopped = counted(one["both_stop"], "shop is parked in both", "shops are parked in both")
    stops = f"; {stopped}" if one["both_stop"] else ""
    return f"{title}: {counted(one['rows'], 'row')}, {said}{stops}"
