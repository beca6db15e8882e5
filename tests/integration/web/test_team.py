"""Roles: who may do what, on every page and form that there is."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterator

import httpx
import pytest

from cplus.actors import LOCAL, merchant
from cplus.commands.team import ALLOWED, change_role, may, see, team_of
from cplus.errors import InvalidInput
from cplus.events.catalogue.team import Role
from cplus.ids import random_id
from cplus.web.kit.acts import FORMS, PAGES, act_of
from tests.integration.web.harness import SHOP, Harness, fields_of, path_of
from tests.integration.web.routes import asks_for_a_merchant, routes_of
from tests.integration.web.tokens import bearer, id_token

ROLES: dict[str, Role] = {"olive": "owner", "agnes": "agent", "rob": "reader"}
REFUSED = re.compile(r"You can read here|Only owners can do this|took you out")


async def hired(web: Harness) -> None:
    """A team with a member of each role."""
    use = {"source": "dashboard", "recorder": web.parts.recorder, "clock": web.clock}
    for user, role in ROLES.items():
        await see(SHOP, merchant(user), **use)  # type: ignore[arg-type]
        await change_role(SHOP, user, role, key=random_id(), actor=LOCAL, **use)  # type: ignore[arg-type]


def declared(web: Harness) -> Iterator[tuple[str, str]]:
    """Each route of a merchant, by method and path."""
    for route in routes_of(web.app.routes):
        if asks_for_a_merchant(route.dependant):
            yield from ((method, route.path) for method in sorted(route.methods or ()))


def test_every_route_says_which_act_it_is_and_no_act_is_of_a_route_that_is_gone(
    web: Harness,
) -> None:
    there = set(declared(web))
    forms = {path for method, path in there if method != "GET"}
    pages = {path for method, path in there if method == "GET"} - forms
    assert forms <= FORMS.keys(), "name the act of a new form in cplus/web/kit/acts.py"
    assert pages <= PAGES.keys(), "name the act of a new page in cplus/web/kit/acts.py"
    assert FORMS.keys() - forms == {"/settings/mail/signature"}
    assert PAGES.keys() <= {path for method, path in there if method == "GET"}


def test_what_nobody_declared_is_the_owners_alone() -> None:
    assert {act_of(method, "/new", "/new") for method in ("GET", "POST", "PUT")} == {"team"}
    assert ALLOWED["team"] == {"owner"}


@pytest.mark.parametrize("user", ROLES)
async def test_each_role_is_refused_its_forbidden_acts_and_no_other(
    web: Harness, user: str
) -> None:
    await hired(web)
    refused, other = [], []
    async with web.signed_in(user=user) as browser:
        for method, path in declared(web):
            address = re.sub(r"\{[^}]+\}", "1", path)
            answer = await browser.request(method, address)
            allowed = may(ROLES[user], act_of(method, path, address))
            if allowed and REFUSED.search(answer.text):
                refused.append((method, path))
            if not allowed and not (answer.status_code == 403 and REFUSED.search(answer.text)):
                other.append((method, path, answer.status_code))
    assert (refused, other) == ([], [])


async def test_who_was_taken_out_is_refused_everything_in_words(web: Harness) -> None:
    await hired(web)
    async with web.signed_in(user="olive") as owner, web.signed_in(user="agnes") as agent:
        assert (await agent.get("/inbox")).status_code == 200
        page = (await owner.get("/settings/team")).text
        fields = {**fields_of(page, "/settings/team/remove"), "member": "agnes"}
        answer = await owner.post("/settings/team/remove", data=fields)
        assert path_of(answer) == "/settings/team?saved=yes"
        # In the tab that she has open, and in every other.
        for method, path in declared(web):
            answer = await agent.request(method, re.sub(r"\{[^}]+\}", "1", path))
            assert (answer.status_code, "took you out" in answer.text) == (403, True), path
            assert 'class="rail"' not in answer.text
        page = (await owner.get("/settings/team")).text
        fields = {**fields_of(page, "/settings/team/role"), "member": "agnes", "role": "reader"}
        await owner.post("/settings/team/role", data=fields)
        assert (await agent.get("/inbox")).status_code == 200
        assert "You can read here" in (await agent.post("/inbox/bulk")).text


def offered(page: str, web: Harness) -> Iterator[tuple[str, str, str]]:
    """What the forms and links of a page lead to, by method, path of the route and address."""
    forms = (("POST", one) for one in re.findall(r'method="post"[^>]* action="([^"?#]+)', page))
    links = (("GET", one) for one in re.findall(r'<a [^>]*href="(/[^"?#]*)', page))
    for method, found in (*forms, *links):
        address = html.unescape(found)
        for route in routes_of(web.app.routes):
            if method in (route.methods or ()) and route.path_regex.fullmatch(address):
                if asks_for_a_merchant(route.dependant):
                    yield method, route.path, address
                break


async def test_no_page_offers_what_the_role_of_its_reader_forbids(
    web: Harness, pages: list[str]
) -> None:
    await hired(web)
    shown = 0
    for user, role in ROLES.items():
        async with web.signed_in(user=user) as browser:
            for page in pages:
                answer = await browser.get(page)
                if answer.status_code == 403:
                    assert role != "owner", page
                    continue
                wrong = {
                    f"{method} {path}"
                    for method, path, address in offered(answer.text, web)
                    if not may(role, act_of(method, path, address))
                }
                assert not wrong, f"{page} offers {role}: {wrong}"
                shown += 1
    assert shown > 2 * len(pages)


async def test_the_first_who_opens_the_app_is_its_owner_and_the_second_no_more(
    web: Harness,
) -> None:
    await web.install()
    async with web.browser() as browser:
        for user in ("41", "42"):
            answer = await browser.get("/api/changes", headers=bearer(id_token(sub=user)))
            assert answer.status_code == 200, answer.text
            again = await browser.get("/api/changes", headers=bearer(id_token(sub=user)))
            assert again.status_code == 200
    team = await team_of(web.parts.recorder, SHOP)
    assert team.members == {"41": "owner", "42": "agent"}
    commits = web.parts.store.iterate_stream(SHOP, f"team/{SHOP}")
    found = [(commit.actor, len(commit.documents)) async for commit in commits]
    assert found == [("merchant/41", 1), ("merchant/42", 1)]


async def test_a_page_opened_many_times_at_once_makes_one_member(web: Harness) -> None:
    async with web.signed_in(user="ada") as browser:
        answers = await asyncio.gather(*(browser.get("/settings/team") for _ in range(8)))
    assert {one.status_code for one in answers} == {200}
    assert (await team_of(web.parts.recorder, SHOP)).version == 1


async def test_two_owners_cannot_leave_the_team_without_one(web: Harness) -> None:
    use = {"source": "dashboard", "recorder": web.parts.recorder, "clock": web.clock}
    await hired(web)
    await change_role(SHOP, "agnes", "owner", key=random_id(), actor=LOCAL, **use)  # type: ignore[arg-type]
    done = await asyncio.gather(
        *(
            change_role(SHOP, one, "reader", key=random_id(), actor=LOCAL, **use)  # type: ignore[arg-type]
            for one in ("olive", "agnes")
        ),
        return_exceptions=True,
    )
    assert [type(one) for one in done if one] == [InvalidInput]
    assert [*(await team_of(web.parts.recorder, SHOP)).members.values()].count("owner") == 1


async def send(browser: httpx.AsyncClient, action: str, **fields: str) -> httpx.Response:
    """Sends a form of the page of the team."""
    page = (await browser.get("/settings/team")).text
    return await browser.post(action, data={**fields_of(page, action), **fields})


async def test_an_owner_sets_roles_and_each_change_says_who_made_it(web: Harness) -> None:
    await hired(web)
    async with web.signed_in(user="olive", called="Olive") as browser:
        await send(browser, "/settings/team/role", member="rob", role="agent")
        await send(browser, "/settings/team/default", role="reader")
        refused = await send(browser, "/settings/team/role", member="olive", role="agent")
        assert refused.status_code == 422
        assert "A team needs an owner" in refused.text
        assert (
            await send(browser, "/settings/team/role", member="x", role="agent")
        ).status_code == 404
        page = (await browser.get("/settings/team")).text
    assert "Olive</bdi> (you)" in page
    team = await team_of(web.parts.recorder, SHOP)
    assert team.members == {"olive": "owner", "agnes": "agent", "rob": "agent"}
    assert team.default == "reader"
    last = [one async for one in web.parts.store.iterate_stream(SHOP, f"team/{SHOP}")][-2:]
    assert {one.actor for one in last} == {"merchant/olive"}


async def test_an_agent_has_a_signature_of_their_own_and_does_not_set_the_shops(
    web: Harness,
) -> None:
    await hired(web)
    async with web.signed_in(user="agnes") as browser:
        fields = fields_of((await browser.get("/settings/mail")).text, "/settings/mail/signature")
        assert fields["whose"] == "own"
        mail = "/settings/mail/signature"
        own = await browser.post(mail, data={**fields, "text": "Agnes"})
        assert own.status_code == 303
        refused = await browser.post(mail, data={**fields, "whose": "shop", "text": "Mine"})
        assert (refused.status_code, "Only owners can do this" in refused.text) == (403, True)


async def test_a_refusal_is_said_in_german_too(web: Harness) -> None:
    await hired(web)
    async with web.signed_in(user="rob") as browser:
        refused = await browser.post("/inbox/bulk", headers={"Accept-Language": "de"})
    assert (refused.status_code, "nichts ändern" in refused.text) == (403, True)


async def test_conversations_are_assigned_to_who_may_work_on_them_alone(web: Harness) -> None:
    await hired(web)
    talk = await web.conversation()
    async with web.signed_in(user="olive") as browser:
        page = (await browser.get(f"/conversations/{talk}")).text
        action = f"/conversations/{talk}/assign"
        offered = re.search(rf'action="{action}".*?</form>', page, re.DOTALL)
        assert offered
        assert 'value="agnes"' in offered[0], "belongs to the team, though she opened no page yet"
        assert 'value="rob"' not in offered[0]
        for who, said in (("rob", "Choose somebody of your staff."), ("agnes", "Assigned.")):
            form = {**fields_of(page, action), "key": random_id(26), "assignee": who}
            answer = await browser.post(action, data=form)
            assert said in (await browser.get(path_of(answer))).text
    row = await web.parts.queries.conversation(SHOP, talk)
    assert row
    assert row.assignee == "agnes"
