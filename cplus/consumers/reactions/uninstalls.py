"""A shop that removed the app: its access tokens are dropped, its sessions end, and browsers of its
staff are told nothing more."""

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
    use.at_step("forget_browsers")
    await use.forget_browsers(commit.shop, removed.occurred_at)


UNINSTALLS = Reaction(
    name="react-uninstalls",
    handles=frozenset({AppUninstalled}),
    hand_out=_hand_out,
    steps=("forget_tokens", "end_sessions", "forget_browsers"),
    was_react=True,
)
