"""The merchant's own mailboxes on the page of settings for mail."""

from __future__ import annotations

import re

import httpx

from cplus.commands.mailboxes import VERIFICATION, mailboxes_of
from cplus.events.aggregates.mailboxes import Mailbox
from cplus.events.catalogue.mail import MailRequested
from cplus.mail.mailbox_tokens import mailbox_code
from tests.integration.web.harness import OTHER, SHOP, Harness

PAGE = "/settings/mail"
ADDRESS = "owner@acorn.example"


def forms(page: str, do: str) -> list[dict[str, str]]:
    """The hidden fields of each form that does this."""
    found = re.findall(rf'<form[^>]*action="{PAGE}/mailboxes".*?</form>', page, re.DOTALL)
    hidden = r'<input type="hidden" name="([^"]+)" value="([^"]*)"'
    fields = [dict(re.findall(hidden, form)) for form in found]
    return [one for one in fields if one.get("do") == do]


async def send(browser: httpx.AsyncClient, do: str, **typed: str) -> httpx.Response:
    page = (await browser.get(PAGE)).text
    return await browser.post(f"{PAGE}/mailboxes", data={**forms(page, do)[0], **typed})


async def mailboxes(web: Harness, shop: str = SHOP) -> list[Mailbox]:
    return list((await mailboxes_of(web.parts.recorder, shop)).by_id.values())


async def test_an_address_is_added_verified_chosen_for_and_removed(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    assert (await send(browser, "add", address=f" {ADDRESS.upper()} ")).status_code == 303
    [box] = await mailboxes(web)
    assert (box.address, box.on) == (ADDRESS, False)
    page = (await browser.get(PAGE)).text
    assert ADDRESS in page.replace("<wbr>", "")
    assert "Not verified" in page
    assert forms(page, "choose") == []
    commits = await web.parts.store.read(SHOP, 0)
    read = await web.parts.reader.read(commits, [MailRequested])
    [wish] = [recorded.event for events in read for recorded in events]
    assert isinstance(wish, MailRequested)
    assert (wish.purpose, wish.to_address) == (VERIFICATION, ADDRESS)

    wrong = await send(browser, "verify", code="aaaaa-aaaaa")
    assert wrong.status_code == 422
    assert "This is not the code from the mail." in wrong.text
    secret = web.parts.settings.secret("application_secret")
    code = mailbox_code(SHOP, box.id, 1, secret)
    # The mail leads to the page with the code filled in; opening it alone verifies nothing.
    led = (await browser.get(PAGE, params={"mailbox": box.id, "code": code})).text
    assert f'value="{code}"' in led
    assert not (await mailboxes(web))[0].on
    await send(browser, "verify", code=code)
    assert (await mailboxes(web))[0].on

    await send(browser, "choose", notify="unanswered", minutes="45", hour="9")
    [box] = await mailboxes(web)
    assert (box.notify, box.minutes) == ("unanswered", 45)
    for typed in ({"notify": "unanswered", "minutes": "5"}, {"notify": "x"}, {"notify": "digest"}):
        assert (await send(browser, "choose", **typed)).status_code == 422
    gone = forms((await browser.get(PAGE)).text, "choose")[0]
    await send(browser, "remove")
    assert await mailboxes(web) == []
    late = await browser.post(f"{PAGE}/mailboxes", data={**gone, "notify": "each"})
    assert late.status_code == 422
    assert "removed meanwhile" in late.text


async def test_what_is_no_address_is_shown_again_with_the_reason(
    browser: httpx.AsyncClient,
) -> None:
    answer = await send(browser, "add", address="<owner")
    assert answer.status_code == 422
    assert "This is not an email address." in answer.text
    assert 'value="&lt;owner"' in answer.text


async def test_one_form_adds_one_address_and_none_to_another_shop(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    page = (await browser.get(PAGE)).text
    form = {**forms(page, "add")[0], "address": ADDRESS}
    for _ in range(2):
        assert (await browser.post(f"{PAGE}/mailboxes", data=form)).status_code == 303
    assert len(await mailboxes(web)) == 1
    async with web.signed_in(OTHER) as other:
        assert ADDRESS not in (await other.get(PAGE)).text.replace("<wbr>", "")
        assert (await other.post(f"{PAGE}/mailboxes", data=form)).status_code == 409
        [own] = forms((await other.get(PAGE)).text, "add")
        [box] = await mailboxes(web)
        stolen = {**own, "do": "remove", "mailbox": box.id}
        await other.post(f"{PAGE}/mailboxes", data=stolen)
    assert len(await mailboxes(web)) == 1
