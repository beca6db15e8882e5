"""Who works in a shop, and in which role."""

from __future__ import annotations

from datetime import datetime
from functools import singledispatchmethod
from typing import Final, get_args

from cplus.actors import ADMIN, LOCAL, MERCHANT
from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.of_shop import OfShop
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.team import (
    AccountOwnerNamed,
    DefaultRoleSet,
    MemberRemoved,
    MemberSeen,
    Role,
    RoleChanged,
)
from cplus.wording import worded

ROLES: Final[tuple[Role, ...]] = get_args(Role)
"""The one that may do most first."""
MAX_MEMBERS: Final = 500
"""Members who are listed; more have the role of new ones."""
_NOBODY_KNOWN: Final = (ADMIN.author, MERCHANT.author)  # Shopify did not say who of them it is


class Team(OfShop):
    """Stream `team/<host>`."""

    def _begin(self) -> None:
        self.members: dict[str, Role | None] = {}
        """By the ids of the actors; None is who was taken out."""
        self.default: Role = "agent"
        """The role of new members."""
        self.account_owner: str | None = None
        """The member who owns the shop's account at Shopify, if that is known: an owner here
        too."""

    def role_of(self, member: str) -> Role | None:
        """What a member may do, also one who was not here yet; None if they were taken out. Whoever
        came by a sign-in link for nobody in particular, which operators make, is an owner."""
        if member == LOCAL.author:
            return "owner"
        return self.members[member] if member in self.members else self._role_of_new()

    def is_new(self, member: str) -> bool:
        """Whether the member is to be listed and is not yet."""
        known = member == LOCAL.author or member in self.members
        return not known and len(self.members) < MAX_MEMBERS

    def see(self, *, member: str, now: datetime) -> None:
        """The member opened the app. The first of whom it is known who they are is an owner, as
        long as there is no other."""
        if self.is_new(member):
            self._set(MemberSeen, member=member, role=self._role_of_new(), now=now)

    def name_account_owner(self, *, member: str, owns: bool, now: datetime) -> None:
        """Shopify said whether the member owns the shop's account; again changes nothing."""
        if owns and self.account_owner != member:
            self._set(AccountOwnerNamed, member=member, now=now)
        elif not owns and self.account_owner == member:
            self._set(AccountOwnerNamed, member=None, now=now)

    def change_role(self, *, member: str, role: str, now: datetime) -> None:
        """Gives the member that role. Raises NotFound, and InvalidInput if it is none or nobody
        would be an owner."""
        known = _role(role)
        if member not in self.members:
            raise NotFound(what="member")
        if known != self.members[member]:
            self._keep_an_owner(member, known)
            self._set(RoleChanged, member=member, role=known, now=now)

    def remove(self, *, member: str, now: datetime) -> None:
        """Takes the member out; again changes nothing. Raises as `change_role`."""
        if member not in self.members:
            raise NotFound(what="member")
        if self.members[member] is not None:
            self._keep_an_owner(member, None)
            self._set(MemberRemoved, member=member, now=now)

    def set_default(self, *, role: str, now: datetime) -> None:
        """Chooses the role of new members. Raises InvalidInput if it is none."""
        if (known := _role(role)) != self.default:
            self._set(DefaultRoleSet, role=known, now=now)

    def _role_of_new(self) -> Role:
        owners = (one for one, role in self.members.items() if role == "owner")
        return self.default if any(one not in _NOBODY_KNOWN for one in owners) else "owner"

    def _keep_an_owner(self, member: str, role: Role | None) -> None:
        if member == self.account_owner and role != "owner":
            raise InvalidInput(
                reason=worded("whoever owns the shop’s account at Shopify is always an owner here")
            )
        if "owner" not in {**self.members, member: role}.values():
            raise InvalidInput(reason=worded("a team needs an owner: make somebody else one first"))

    @singledispatchmethod
    def evolve(self, event: AggregateEvent) -> None:
        """Changes the state by one event; events it has no case for change nothing."""

    @evolve.register(MemberSeen)
    @evolve.register(RoleChanged)
    def _(self, event: MemberSeen | RoleChanged) -> None:
        self._apply(anew=event.anew)
        self.members[event.member] = event.role

    @evolve.register
    def _(self, event: AccountOwnerNamed) -> None:
        self._apply(anew=event.anew)
        self.account_owner = event.member
        if event.member is not None:
            self.members[event.member] = "owner"

    @evolve.register
    def _(self, event: MemberRemoved) -> None:
        self._apply(anew=event.anew)
        self.members[event.member] = None

    @evolve.register
    def _(self, event: DefaultRoleSet) -> None:
        self._apply(anew=event.anew)
        self.default = event.role


def _role(role: str) -> Role:
    for known in ROLES:
        if role == known:
            return known
    raise InvalidInput(reason=worded("choose a role"))
