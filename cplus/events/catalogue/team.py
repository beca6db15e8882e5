"""Who works in a shop, and what they may do (stream `team/<host>`).

A member is named by the id of the actor alone.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from cplus.events.base import AggregateEvent

Role = Literal["owner", "agent", "reader"]


class MemberSeen(AggregateEvent):
    """Somebody of the shop's staff opened the app for the first time."""

    TYPE: ClassVar[str] = "team.member_seen"
    member: str
    """The id of the actor."""
    role: Role
    """What they may do from now on."""
    anew: bool = False
    """Whether the shop was erased since the event before: nothing before this one counts."""


class RoleChanged(AggregateEvent):
    """An owner gave a member another role, or one again after taking them out."""

    TYPE: ClassVar[str] = "team.role_changed"
    member: str
    role: Role
    anew: bool = False
    """As in MemberSeen."""


class MemberRemoved(AggregateEvent):
    """An owner took a member out: the app is closed to them."""

    TYPE: ClassVar[str] = "team.member_removed"
    member: str
    anew: bool = False
    """As in MemberSeen."""


class DefaultRoleSet(AggregateEvent):
    """An owner chose the role that new members get."""

    TYPE: ClassVar[str] = "team.default_role_set"
    role: Role
    anew: bool = False
    """As in MemberSeen."""


class AccountOwnerNamed(AggregateEvent):
    """Shopify said who of the members owns the shop's account."""

    TYPE: ClassVar[str] = "team.account_owner_named"
    member: str | None
    """None: the one who did does not any more."""
    anew: bool = False
    """As in MemberSeen."""
