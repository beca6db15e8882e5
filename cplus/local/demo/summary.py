"""Compares what the demo found with what it generated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from cplus.counts import counted
from cplus.local.demo.observe import Observed, ShopFound
from cplus.local.demo.plan import Plan, ShopPlan

COUNTS: Final = (
    *("deliveries_sent", "deliveries_recorded", "redeliveries_recognised", "conversations"),
    *("messages", "customers", "mails_sent"),
)
"""What is counted for each shop, in the order in which it is shown."""

_BOTH: Final = (
    *("conversations", "messages_in", "messages_out", "customers", "leads"),
    *("mails_sent", "mails_bounced"),
)
IN_LOG: Final = (*_BOTH, "deliveries_recorded", "mails_received")
"""What is expected and counted in the log."""
IN_ROWS: Final = (*_BOTH, "conversations_open")
"""What is expected and counted in the read models."""


@dataclass(frozen=True)
class Summary:
    """How a run ended; `seconds` from its first question to its last."""

    seed: int
    shops: dict[str, dict[str, int]]
    seconds: float
    kills: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    details: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether all results are as expected."""
        return not self.differences

    @property
    def totals(self) -> dict[str, int]:
        """The counts over all shops."""
        return {name: sum(counts[name] for counts in self.shops.values()) for name in COUNTS}

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "ok": self.ok,
            "seed": self.seed,
            "shops": self.shops,
            "totals": self.totals,
            "details": self.details,
            "seconds": round(self.seconds, 1),
            "kills": list(self.kills),
            "differences": list(self.differences),
        }

    def text(self) -> str:
        """For the terminal: a table, then the differences."""
        heads = ("sent", "recorded", "repeated", "conversations", "messages", "customers", "mails")
        rows = [(host.partition(".")[0], counts) for host, counts in self.shops.items()]
        rows.append(("all", self.totals))
        width = max(len(name) for name, _ in rows)
        lines = ["  " + " " * width + "".join(f"{head:>15}" for head in heads)]
        lines += [
            f"  {name:<{width}}" + "".join(f"{counts[count]:>15,}" for count in COUNTS)
            for name, counts in rows
        ]
        said = "all of it as generated" if self.ok else counted(len(self.differences), "difference")
        lines.append(f"  {said}, in {self.seconds:.1f} s")
        return "\n".join(["", *lines, *(f"  ! {line}" for line in self.differences), ""])


def compare(
    plan: Plan,
    found: Observed,
    *,
    failures: Sequence[str],
    seconds: float,
    kills: Sequence[str],
) -> Summary:
    """Compares log, read models, mailbox and redeliveries with the plan, per shop."""
    differences = [*failures, *found.faults]
    shops: dict[str, dict[str, int]] = {}
    details: dict[str, dict[str, int]] = {}
    for shop in plan.shops:
        there = found.shops.get(shop.host, ShopFound())
        differences += _differences(shop, there)
        # After a kill, the order may change so that no two persons had to be joined.
        if not kills and there.log["joined"] < shop.expected.joined:
            two, joined = shop.expected.joined, there.log["joined"]
            differences.append(f"{shop.host}: {two} persons should be joined, {joined} were")
        shops[shop.host] = {
            "deliveries_sent": there.deliveries_sent,
            "deliveries_recorded": there.log["deliveries_recorded"],
            "redeliveries_recognised": there.redeliveries,
            "conversations": there.rows["conversations"],
            "messages": there.rows["messages_in"] + there.rows["messages_out"],
            "customers": there.rows["customers"],
            "mails_sent": there.mails,
        }
        details[shop.host] = {
            "commits": there.log["commits"],
            "messages_in": there.rows["messages_in"],
            "messages_out": there.rows["messages_out"],
            "leads": there.rows["leads"],
            "mails_received": there.log["mails_received"],
            "mails_bounced": there.rows["mails_bounced"],
            "persons_joined": there.log["joined"],
        }
    return Summary(
        seed=plan.sizes.seed,
        shops=shops,
        seconds=seconds,
        kills=tuple(kills),
        differences=tuple(differences),
        details=details,
    )


def _differences(shop: ShopPlan, found: ShopFound) -> Iterable[str]:
    """One line for each count that is not as expected."""
    expected = asdict(shop.expected)
    for where, names, counts in (
        ("log", IN_LOG, found.log),
        ("read models", IN_ROWS, found.rows),
    ):
        for name in names:
            wanted, there = expected[name], counts.get(name, "not counted")
            if there != wanted:
                yield f"{shop.host}: {name}: {wanted} generated, {there} in the {where}"
    if found.deliveries_sent != expected["deliveries_sent"]:
        wanted = expected["deliveries_sent"]
        yield f"{shop.host}: deliveries: {wanted} generated, {found.deliveries_sent} sent"
    if found.redeliveries != expected["redeliveries_recognised"]:
        wanted = expected["redeliveries_recognised"]
        yield f"{shop.host}: redeliveries: {wanted} generated, {found.redeliveries} recognised"
    if found.mails != expected["mails_sent"]:
        yield f"{shop.host}: mails: {expected['mails_sent']} replies, {found.mails} in the mailbox"
    for name, wanted_by_id, known in (
        ("note", shop.notes, found.notes),
        ("consent", shop.consents, found.consents),
    ):
        wrong = sum(known.get(customer) != value for customer, value in wanted_by_id.items())
        if wrong:
            who = counted(wrong, "customer does", "customers do")
            yield f"{shop.host}: {who} not have the newest {name}"
