"""The team of a shop: given, when, then."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.team import MAX_MEMBERS, Team
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.team import MemberSeen

NOW = datetime(2026, 12, 1, 4, tzinfo=UTC)


def given(*members: str) -> Team:
    team = Team.empty("team/acorn.myshopify.com")
    for one in members:
        team.see(member=one, now=NOW)
    return team


def then(team: Team) -> list[str]:
    return [one.TYPE for one in team.collect_events() if isinstance(one, AggregateEvent)]


def test_the_first_member_is_an_owner_and_others_have_the_role_of_new_ones() -> None:
    team = given("7", "8", "7")
    team.set_default(role="reader", now=NOW)
    team.set_default(role="reader", now=NOW)
    team.see(member="9", now=NOW)
    assert team.members == {"7": "owner", "8": "agent", "9": "reader"}
    seen = "team.member_seen"
    assert then(team) == [seen, seen, "team.default_role_set", seen]
    assert team.role_of("who was never here") == "reader"


def test_an_owner_of_whom_nobody_knows_who_they_are_leaves_the_first_known_one_an_owner() -> None:
    team = given("admin", "7", "8")
    assert team.members == {"admin": "owner", "7": "owner", "8": "agent"}
    # Not the other way round: who is no owner becomes none by another way in.
    assert given("7", "admin").members == {"7": "owner", "admin": "agent"}


def test_a_role_is_changed_and_a_member_taken_out_and_let_in_again_each_once() -> None:
    team = given("7", "8")
    for _ in range(2):
        team.change_role(member="8", role="reader", now=NOW)
    for _ in range(2):
        team.remove(member="8", now=NOW)
    assert team.role_of("8") is None
    team.see(member="8", now=NOW)
    assert team.role_of("8") is None, "who was taken out stays out when they open the app"
    team.change_role(member="8", role="agent", now=NOW)
    assert then(team)[2:] == ["team.role_changed", "team.member_removed", "team.role_changed"]
    assert team.role_of("8") == "agent"


def test_a_team_keeps_an_owner() -> None:
    team = given("7", "8")
    with pytest.raises(InvalidInput, match="needs an owner"):
        team.change_role(member="7", role="agent", now=NOW)
    with pytest.raises(InvalidInput, match="needs an owner"):
        team.remove(member="7", now=NOW)
    team.change_role(member="8", role="owner", now=NOW)
    team.remove(member="7", now=NOW)
    assert team.members == {"7": None, "8": "owner"}


def test_who_owns_the_account_at_shopify_is_an_owner_until_somebody_else_does() -> None:
    team = given("7", "8")
    for _ in range(2):
        team.name_account_owner(member="8", owns=True, now=NOW)
        team.name_account_owner(member="7", owns=False, now=NOW)
    assert team.role_of("8") == "owner"
    with pytest.raises(InvalidInput, match="always an owner"):
        team.change_role(member="8", role="agent", now=NOW)
    with pytest.raises(InvalidInput, match="always an owner"):
        team.remove(member="8", now=NOW)
    team.name_account_owner(member="9", owns=True, now=NOW)
    assert team.members == {"7": "owner", "8": "owner", "9": "owner"}
    team.remove(member="8", now=NOW)
    team.name_account_owner(member="9", owns=False, now=NOW)
    team.change_role(member="9", role="reader", now=NOW)
    assert (team.account_owner, team.role_of("9")) == (None, "reader")
    named = "team.account_owner_named"
    assert then(team)[2:] == [named, named, "team.member_removed", named, "team.role_changed"]


def test_who_owns_the_account_comes_back_after_they_were_taken_out() -> None:
    team = given("7", "8")
    team.remove(member="8", now=NOW)
    team.name_account_owner(member="8", owns=True, now=NOW)
    assert team.role_of("8") == "owner"


def test_what_cannot_be_is_refused() -> None:
    team = given("7")
    with pytest.raises(InvalidInput, match="choose a role"):
        team.change_role(member="7", role="king", now=NOW)
    with pytest.raises(InvalidInput, match="choose a role"):
        team.set_default(role="", now=NOW)
    with pytest.raises(NotFound):
        team.change_role(member="8", role="agent", now=NOW)
    with pytest.raises(NotFound):
        team.remove(member="8", now=NOW)
    assert then(team) == ["team.member_seen"]


def test_a_link_of_an_operator_is_an_owners_and_nobody_of_the_team() -> None:
    team = given("local")
    assert team.role_of("local") == "owner"
    assert then(team) == []


def test_only_so_many_members_are_listed() -> None:
    team = given(*map(str, range(MAX_MEMBERS + 1)))
    assert len(team.members) == MAX_MEMBERS
    assert team.role_of("one more") == "agent"


def test_an_erased_shop_begins_anew() -> None:
    team = given("7", "8")
    team.set_default(role="reader", now=NOW)
    team.collect_events()
    team.forget()
    team.see(member="8", now=NOW)
    [seen] = team.collect_events()
    assert isinstance(seen, MemberSeen)
    assert seen.anew
    assert (team.members, team.default) == ({"8": "owner"}, "agent")
