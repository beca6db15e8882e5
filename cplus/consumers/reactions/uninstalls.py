"""A shop that removed the app: its access tokens are dropped, its sessions end, and what its staff
had for its work is forgotten."""

from __future__ import annotations

from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.events.base import Recorded
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.commit import Commit


async def _hand_out(commit: Commit, removed: Recorded, use: Reactor) -> None:
    # Only what is older than the event: the app may have been installed again since.
    use.at_step("forget_tokens")
    await use.forget_tokens(commit.shop, removed.occurred_at)
    use.at_step("end_sessions")
    await use.end_sessions(commit.shop, removed.occurred_at)
    use.at_step("forget_staff")
    await use.forget_staff(commit.shop, removed.occurred_at)


UNINSTALLS = Reaction(
    name="react-uninstalls",
    handles=frozenset({AppUninstalled}),
    hand_out=_hand_out,
    steps=("forget_tokens", "end_sessions", "forget_staff"),
    was_react=True,
)
