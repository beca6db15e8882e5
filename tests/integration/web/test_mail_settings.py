"""The page of settings for mail: each section is saved by itself, once for each form."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlsplit

import httpx

from cplus.aws import Aws
from cplus.commands.mail_settings import settings_of
from cplus.commands.sending_state import note_limit, note_sending
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.settings import Paused
from cplus.events.catalogue.mail import AUTO_REPLY, MailDelivered, MailSent
from cplus.events.catalogue.privacy import ShopErased
from cplus.events.catalogue.settings import SignatureSet
from cplus.events.names import SHOP_ERASED_REF, conversation_stream, message_ref, settings_stream
from cplus.ids import random_id
from cplus.leases import LEASES
from tests.integration.web.harness import OPERATOR, OTHER, SHOP, Harness, fields_of, path_of
from tests.plain_http import plain_http
from tests.samples import installed

PAGE = "/settings/mail"


async def sent(browser: httpx.AsyncClient, section: str, **typed: str) -> httpx.Response:
    """The form of the section, filled in and sent."""
    fields = fields_of((await browser.get(PAGE)).text, f"{PAGE}/{section}")
    return await browser.post(f"{PAGE}/{section}", data={**fields, **typed})


async def erase_shop(web: Harness) -> None:
    """What an erased shop has in its log."""
    event = ShopErased(
        originator_id=f"shop/{SHOP}", originator_version=9, timestamp=web.clock(), erasure="e9"
    )
    await web.record(SHOP, f"shop/{SHOP}", event, refs=[SHOP_ERASED_REF])


async def test_a_signature_is_saved_for_the_shop_and_for_one_user_and_for_no_other_shop(
    web: Harness,
) -> None:
    async with web.signed_in(user="bea", called="Bea") as browser:
        answer = await sent(browser, "signature", whose="shop", text="Acorn\r\n<b>Lamps</b>")
        assert path_of(answer) == f"{PAGE}?saved=signature"
        page = (await browser.get(answer.headers["location"])).text
        assert "Saved." in page
        assert "\nAcorn\n&lt;b&gt;Lamps&lt;/b&gt;</textarea>" in page
        await sent(browser, "signature", whose="own", text="Bea, Acorn")
        assert "\nBea, Acorn</textarea>" in (await browser.get(PAGE)).text
        assert path_of(await browser.get(f"{PAGE}/signature")) == PAGE
    async with web.signed_in(user="carl") as browser:
        page = (await browser.get(PAGE)).text
        assert "Acorn\n&lt;b&gt;" in page
        assert "Bea, Acorn" not in page
    async with web.signed_in(OTHER, user="bea") as browser:
        assert "Acorn" not in (await browser.get(PAGE)).text
    settings = await settings_of(web.parts.recorder, SHOP)
    assert settings.signature("bea") == "Bea, Acorn"
    assert settings.signature("carl") == "Acorn\n<b>Lamps</b>"
    assert (await settings_of(web.parts.recorder, OTHER)).signature() == ""


async def test_one_form_is_saved_once_and_a_wrong_one_shows_what_was_typed_and_why(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    fields = fields_of((await browser.get(PAGE)).text, f"{PAGE}/signature")
    for text in ("Acorn", "Birch"):
        answer = await browser.post(f"{PAGE}/signature", data={**fields, "text": text})
        assert answer.status_code == 303
    assert (await settings_of(web.parts.recorder, SHOP)).signature() == "Acorn"
    long = await sent(browser, "signature", text="<" * 2_001)
    assert long.status_code == 422
    assert "A signature can be up to 2,000 characters." in long.text
    assert "&lt;" * 2_001 in long.text
    for wrong in ({"csrf": "x"}, {"key": "x"}):
        answer = await browser.post(f"{PAGE}/signature", data={**fields, **wrong})
        assert answer.status_code in {400, 403}
    assert (await browser.post(f"{PAGE}/nonsense", data=fields)).status_code == 404
    assert (await browser.get(f"{PAGE}/nonsense")).status_code == 404
    assert (await web.parts.store.head(SHOP)).position == 1


async def test_an_erased_shop_has_no_settings_and_sets_them_anew(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await sent(browser, "signature", text="Acorn")
    await erase_shop(web)
    assert (await settings_of(web.parts.recorder, SHOP)).signature() == ""
    assert "Acorn\n" not in (await browser.get(PAGE)).text
    await sent(browser, "signature", text="Acorn")
    assert (await settings_of(web.parts.recorder, SHOP)).signature() == "Acorn"
    assert "\nAcorn</textarea>" in (await browser.get(PAGE)).text


async def test_the_words_of_settings_rest_sealed_under_a_key_of_nobody_who_is_known(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    secret = f"Acorn {random_id()}"
    await sent(browser, "signature", text=secret)
    [commit] = await web.parts.store.by_ref(SHOP, settings_stream(SHOP))
    stored = await web.mongo.database["commits"].find_one({"_id": commit.id})
    assert secret not in repr(stored)
    [recorded] = await web.parts.reader.of(commit, SignatureSet)
    assert isinstance(recorded.event, SignatureSet)
    await web.parts.keyring.condemn(SHOP, [recorded.event.person])
    await web.parts.keyring.destroy(SHOP, [recorded.event.person])
    assert (await settings_of(web.parts.recorder, SHOP)).signature() == ""


async def test_hours_and_automatic_replies_are_saved_and_shown_in_the_shops_zone(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    zoned = installed(shop=SHOP, at=web.clock(), timezone="America/New_York")
    await web.record(SHOP, f"shop/{SHOP}", zoned)
    early = await sent(browser, "auto-reply", away="on", away_text="Away")
    assert early.status_code == 422
    assert "Set your business hours first." in early.text
    wrong = await sent(browser, "hours", Monday="9-25", Friday="nine", closed="2027-13-01")
    # All that is wrong is said at once, beside its field.
    for field, words in (
        ("Monday", "There is no time 25:00"),
        ("Friday", "nine"),
        ("closed", "There is no day 2027-13-01"),
    ):
        said = wrong.text.partition(f'id="hours-{field}-reason">')[2].partition("</p>")[0]
        assert words in said, field
        assert f'hours-{field}-reason" aria-invalid="true"' in wrong.text
    assert 'id="hours-Tuesday-reason"' not in wrong.text
    wrong = await sent(browser, "hours", Monday="9-12", Friday="nine", closed="2027-01-01")
    assert wrong.status_code == 422
    assert "“nine” on Friday is not a time" in wrong.text
    assert 'value="nine"' in wrong.text
    assert "2027-01-01</textarea>" in wrong.text
    saved = await sent(browser, "hours", Monday="9-12, 22-2", closed="2030-01-01")
    assert path_of(saved) == f"{PAGE}?saved=hours"
    page = (await browser.get(PAGE)).text
    assert 'value="09:00–12:00, 22:00–02:00"' in page
    assert "America/New York" in page
    assert "open again on Monday" in page
    text = "Hi {name}, {shop} <b>opens</b> {next_opening}"
    await sent(browser, "auto-reply", away="on", away_text=text)
    page = (await browser.get(PAGE)).text
    assert "Hi Sam, Acorn &lt;b&gt;opens&lt;/b&gt; Monday" in page
    settings = await settings_of(web.parts.recorder, SHOP)
    assert settings.away.answers(web.clock())
    assert not settings.acknowledgement.answers(web.clock())
    assert settings.hours
    assert (await settings_of(web.parts.recorder, OTHER)).hours is None


async def test_an_automatic_reply_stands_in_the_thread_and_answers_nothing_for_the_merchant(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    talk = await web.conversation()
    [message] = (await web.parts.queries.messages_of(SHOP, talk)).items
    await web.parts.recorder.decide(
        *(Conversation, SHOP, conversation_stream(talk)),
        lambda c: c.auto_reply(
            message_id="auto1", answers=message.id, kind="away", text="We are closed.",
            now=web.clock(),
        ),
        claim=random_id(), source="auto_reply", actor="system/auto-replies",
        refs=[message_ref("auto1")],
    )  # fmt: skip
    ids: dict[str, Any] = {"message_id": "auto1", "conversation_id": talk, "purpose": AUTO_REPLY}
    await web.record(SHOP, "mail/auto1", MailDelivered(**ids))
    page = (await browser.get(f"/conversations/{talk}")).text
    assert "We are closed." in page
    assert page.count('<span class="chip">Automatic reply</span>') == 1
    assert "Your shop" in page
    assert "Delivered" in page
    row = await web.parts.queries.conversation(SHOP, talk)
    assert row
    assert row.unanswered
    assert row.last_from == "shopper"
    total = await web.parts.queries.metrics_total(SHOP)
    assert (total.messages_out, total.first_answers) == (0, 0)
    history = (await browser.get(f"/conversations/{talk}/history")).text
    assert "Sent the shop’s automatic reply" in history


async def test_a_shop_whose_mail_ses_paused_is_told_since_when_and_why_and_no_other_is(
    web: Harness,
) -> None:
    now = web.clock()
    paused = Paused(now, "Too much <mail> bounced", by_operator=False)
    for state in (paused, paused):  # told again, it is no news
        await note_sending(web.parts.recorder, SHOP, tenant="t1", paused=state, now=now)
    async with web.signed_in() as browser:
        page = (await browser.get(PAGE)).text
        assert "Your email is paused" in page
        assert "Too much &lt;mail&gt; bounced" in page
        await note_sending(web.parts.recorder, SHOP, tenant="t1", paused=None, now=now)
        assert "is paused" not in (await browser.get(PAGE)).text
    async with web.signed_in(OTHER) as browser:
        assert "is paused" not in (await browser.get(PAGE)).text


async def test_a_shop_at_its_daily_limit_is_told_on_its_pages_and_the_operator_in_the_console(
    web: Harness,
) -> None:
    recorder = web.parts.recorder
    talk = await web.conversation()
    answered = await recorder.decide(
        *(Conversation, SHOP, conversation_stream(talk)),
        lambda c: c.reply(message_id="r1", text="Yes.", author="bea", now=web.clock()),
        claim=random_id(), source="dashboard", actor="bea",
    )  # fmt: skip
    assert answered is not None
    await web.nudger.fold({SHOP: answered.position})
    await note_limit(recorder, SHOP, of="shared_domain", limit=1_500, now=web.clock())
    web.clock.forward(60)
    page, thread = f"{PAGE}", f"/conversations/{talk}"
    async with web.signed_in() as browser:
        assert "1,500 customers in 24 hours" in (await browser.get(page)).text
        assert "wrote to 1,500 customers" in (await browser.get(thread)).text
        now = web.clock()
        paused = Paused(now, "Too much <mail> bounced", by_operator=False)
        await note_sending(recorder, SHOP, tenant="t1", paused=paused, now=now)
        assert "email is paused" in (await browser.get(thread)).text
        console = await _console(web)
        assert "acorn" in console
        assert "by SES since" in console
        assert "Too much &lt;mail&gt; bounced" in console
        assert "1,500 recipients in 24 hours, on the app’s domain" in console
        await note_sending(recorder, SHOP, tenant="t1", paused=None, now=now)
        assert "by SES since" not in await _console(web)
        web.clock.forward(24 * 3600)
    async with web.signed_in() as browser:
        assert "1,500" not in (await browser.get(page)).text
        assert "1,500" not in (await browser.get(thread)).text
    assert "Mail that waits" not in await _console(web)


async def _console(web: Harness) -> str:
    async with web.browser() as browser:
        form = fields_of((await browser.get("/console")).text, "/console/sign-in")
        signed = {**form, "name": "jo", "token": OPERATOR}
        await browser.post("/console/sign-in", data=signed)
        return (await browser.get("/console")).text


async def test_a_merchant_adds_a_domain_copies_its_records_and_chooses_an_address(
    mongo_uri: str, database: str, aws_endpoint: str, aws: Aws
) -> None:
    dns, stage = urlsplit(aws_endpoint).netloc, f"cplus-{random_id(12)}"
    await (await aws.client("sesv2")).create_configuration_set(ConfigurationSetName=stage)
    domain = f"{random_id(12)}.example"
    given: dict[str, Any] = {"aws": aws, "dns": dns, "ses_configuration_set": stage}
    async with Harness(mongo_uri, database, **given).opened() as web, web.signed_in() as browser:

        async def check() -> None:
            rows = web.parts.mongo.database[LEASES]  # some seconds pass
            await rows.update_many({}, [{"$set": {"expires_at": "$$NOW"}}])
            assert (await do("check")).status_code == 303

        async def do(what: str, **typed: str) -> httpx.Response:
            page = (await browser.get(PAGE)).text.partition('id="sender-domain"')[2]
            # Several forms go to one address: that with this button.
            page = page[: page.index(f'name="do" value="{what}"') + 40 + len(what)]
            start = page.rindex(f'action="{PAGE}/sender-domain"')
            fields = fields_of(f"<form {page[start:]}></form>", f"{PAGE}/sender-domain")
            return await browser.post(f"{PAGE}/sender-domain", data={**fields, **typed})

        wrong = await do("add", domain="<gmail>.com")
        assert wrong.status_code == 422
        assert "This is not a domain" in wrong.text
        assert 'value="&lt;gmail&gt;.com"' in wrong.text
        assert "anybody can have an address" in (await do("add", domain="gmail.com")).text.lower()
        assert (await do("add", domain=domain)).status_code == 303
        page = (await browser.get(PAGE)).text
        copied = re.findall(r'data-copy="([^"]+)"', page)
        assert len(copied) == 14
        assert page.count("Not found yet") == 6
        assert "Address that email comes from" not in page
        types = re.findall(r"<b>(TXT|CNAME|MX)</b>", page)
        names = zip(copied[::2], types, copied[1::2], strict=True)
        told: dict[str, list[str]] = {}
        for name, kind, value in names:
            told.setdefault(f"{name} {kind}", []).append(html.unescape(value))
        async with plain_http() as http:
            assert (await http.post(f"{aws_endpoint}/_local/dns", json=told)).status_code == 200
        await check()
        again = await do("check")
        assert again.status_code == 422
        assert "It was checked a moment ago" in again.text
        page = (await browser.get(PAGE)).text
        assert page.count(">Found<") == 6
        assert "The domain is set up." in page
        elsewhere = await do("choose", sender="hello@elsewhere.example")
        assert elsewhere.status_code == 422
        assert f"Write an address at {domain}" in elsewhere.text
        await do("choose", sender=f"hello@{domain}")
        assert f"<bdi>hello@{domain}</bdi>" in (await browser.get(PAGE)).text
        async with plain_http() as http:
            gone: dict[str, list[str]] = {name: [] for name in told if name.endswith("CNAME")}
            await http.post(f"{aws_endpoint}/_local/dns", json=gone)
        await check()
        page = (await browser.get(PAGE)).text
        assert f"email can’t leave from <bdi>{domain}</bdi>" in page
        assert page.count(">Gone<") == 3
        await do("ours")
        assert "email can’t leave from" not in (await browser.get(PAGE)).text
        await do("remove")
        assert domain not in (await browser.get(PAGE)).text


async def test_a_message_that_left_from_our_domain_in_place_of_theirs_says_so(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    talk = await web.conversation()
    answered = await web.parts.recorder.decide(
        *(Conversation, SHOP, conversation_stream(talk)),
        lambda c: c.reply(message_id="r1", text="Yes.", author="bea", now=web.clock()),
        claim=random_id(), source="dashboard", actor="bea",
    )  # fmt: skip
    assert answered is not None
    left = MailSent(
        message_id="r1", conversation_id=talk, ses_message_id="s1", fallback="acorn.example"
    )
    await web.record(SHOP, "mail/r1", left)
    page = (await browser.get(f"/conversations/{talk}")).text
    assert "because <bdi>acorn.example</bdi> failed" in page
