"""Who works in a shop, and who may do what: the one place that says so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, Literal

import structlog

from cplus.actors import Actor, Source
from cplus.clock import Clock
from cplus.commands.shop_streams import change_of_shop, load_all_of_shop, load_of_shop
from cplus.errors import ShopifyError
from cplus.events.aggregates.settings import ShopSettings
from cplus.events.aggregates.team import Team
from cplus.events.catalogue.team import Role
from cplus.events.names import settings_stream, team_stream
from cplus.events.recording import Recorder
from cplus.ids import random_id
from cplus.shopify.oauth import StaffUser
from cplus.workspace.members import Known, Members

log = structlog.get_logger()

Act = Literal["look", "own", "converse", "settings", "privacy", "team"]
"""Look at pages; choose what concerns only oneself; work on conversations; set what the shop sends
and shows; export and erase people; say who may do what."""

ALLOWED: Final[Mapping[Act, frozenset[Role]]] = {
    "look": frozenset({"owner", "agent", "reader"}),
    "own": frozenset({"owner", "agent", "reader"}),
    "converse": frozenset({"owner", "agent"}),
    "settings": frozenset({"owner"}),
    "privacy": frozenset({"owner"}),
    "team": frozenset({"owner"}),
}
"""Who may do what."""


_RENEWED: Final = timedelta(days=7)
_AGAIN: Final = timedelta(hours=1)  # where Shopify did not tell
_PATIENCE: Final = 2.0  # seconds: a page waits for it


@dataclass(frozen=True, slots=True)
class Staff:
    """What it takes to learn who a member is."""

    ask: Callable[[str, str], Awaitable[StaffUser]]
    """Of Shopify: whose id token it is, in a shop."""
    members: Members
    recorder: Recorder
    clock: Clock


def may(role: Role | None, act: Act) -> bool:
    """Whether a member with this role may do that; None is who was taken out."""
    return role in ALLOWED[act]


async def team_of(recorder: Recorder, shop: str) -> Team:
    """The team, by the shop's log. What was before the shop was erased counts no more."""
    return await load_of_shop(Team, recorder, shop, team_stream(shop))


async def team_and_settings_of(recorder: Recorder, shop: str) -> tuple[Team, ShopSettings]:
    """Who works in the shop, and what is set there: what most pages are made with."""
    team, settings = await load_all_of_shop(
        recorder, shop, (Team, team_stream(shop)), (ShopSettings, settings_stream(shop))
    )
    return team, settings


async def see(shop: str, actor: Actor, *, source: Source, recorder: Recorder, clock: Clock) -> Team:
    """The team, with this member in it, who is here. Raises OutcomeUnknown and
    DecisionOvertaken."""
    decision = partial(Team.see, member=actor.author, now=clock())
    # However often it is sent at once, it is decided once: the stream has each version once.
    key = random_id()
    await _record(shop, decision, key=key, source=source, actor=actor, recorder=recorder)
    return await team_of(recorder, shop)


async def learn(
    shop: str, id_token: str, known: Known | None, *, actor: Actor, use: Staff
) -> str | None:
    """What the member is called, whose id token it is: Shopify is asked once a week, and whether
    they own the shop's account is recorded with it. None where nothing new is known; whatever goes
    wrong at Shopify holds nobody up, and it is asked again in an hour.

    Raises OutcomeUnknown and DecisionOvertaken."""
    now, pause = use.clock(), _RENEWED if known and known.name else _AGAIN
    if known and known.asked_at and now < known.asked_at + pause:
        return None
    try:
        async with asyncio.timeout(_PATIENCE):
            user = await use.ask(shop, id_token)
    except (ShopifyError, TimeoutError) as error:
        log.info("staff_not_told", shop=shop, error=type(error).__name__)
        await use.members.know(shop, actor.author, now, name=None)
        return None
    if str(user.id) != actor.id:
        return None  # not whom the token names: nothing of it is believed
    name = user.name if user.name.isprintable() else ""
    await use.members.know(shop, actor.author, now, name=name)
    decision = partial(
        Team.name_account_owner, member=actor.author, owns=user.account_owner, now=now
    )
    await _record(
        *(shop, decision),
        key=random_id(),
        source="dashboard",
        actor=actor,
        recorder=use.recorder,
    )
    return name


async def change_role(
    shop: str,
    member: str,
    role: str,
    *,
    key: str,
    actor: Actor,
    source: Source,
    recorder: Recorder,
    clock: Clock,
) -> None:
    """Gives a member another role. The form with the `key` counts once. Raises NotFound,
    InvalidInput, OutcomeUnknown and DecisionOvertaken."""
    decision = partial(Team.change_role, member=member, role=role, now=clock())
    await _record(shop, decision, key=key, source=source, actor=actor, recorder=recorder)


async def remove(
    shop: str,
    member: str,
    *,
    key: str,
    actor: Actor,
    source: Source,
    recorder: Recorder,
    clock: Clock,
) -> None:
    """Takes a member out; as `change_role`."""
    decision = partial(Team.remove, member=member, now=clock())
    await _record(shop, decision, key=key, source=source, actor=actor, recorder=recorder)


async def set_default(
    shop: str,
    role: str,
    *,
    key: str,
    actor: Actor,
    source: Source,
    recorder: Recorder,
    clock: Clock,
) -> None:
    """Chooses the role of new members; as `change_role`."""
    decision = partial(Team.set_default, role=role, now=clock())
    await _record(shop, decision, key=key, source=source, actor=actor, recorder=recorder)


async def _record(
    shop: str,
    decision: Callable[[Team], None],
    *,
    key: str,
    source: Source,
    actor: Actor,
    recorder: Recorder,
) -> None:
    await change_of_shop(
        *(Team, decision, shop, team_stream(shop)),
        key=key,
        source=source,
        actor=actor,
        recorder=recorder,
    )
