"""Runs a plan against a running stack, only through its public entry points."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from email import message_from_bytes
from typing import TYPE_CHECKING, Any, Final

from cplus.clock import utc_now
from cplus.errors import CplusError
from cplus.local.aws.email.inbound import Receipt
from cplus.local.demo import letters
from cplus.local.demo.browser import Browser
from cplus.local.demo.letters import Answered
from cplus.local.demo.observe import Observed, Observer
from cplus.local.demo.outside import Mailboxes, Outside, Watch
from cplus.local.demo.plan import (
    INBOUND,
    INSTALLED,
    Plan,
    ShopPlan,
    Step,
    Stray,
    Talk,
    Webhook,
    dated,
)
from cplus.local.demo.summary import Summary, compare
from cplus.local.resources import exported
from cplus.mail import shop_address

if TYPE_CHECKING:
    from cplus.local.stack import Stack

_SEEN: Final = 120.0  # seconds until a message must show in the inbox, killed functions included
_QUIET: Final = 120.0  # seconds until the system must be quiet when everything was sent
_AT_ONCE: Final = 4  # requests of merchants at once: as many as processes work on them, twice


class Drive:
    """One run of a plan: call `begin`, then `run`, and finally `close`."""

    def __init__(self, stack: Stack, plan: Plan) -> None:
        self._stack = stack
        self._plan = plan
        application = stack.application
        self._receipt = Receipt(
            endpoint=stack.aws.endpoint,
            bucket=exported(application, "mail-bucket"),
            topic=exported(application, "mail-topic"),
        )
        self.outside = Outside(stack.shopify_url, self._receipt)
        self._observer = Observer(stack)
        self._mailboxes = Mailboxes(self.outside)
        self._failures: list[str] = []
        self._started = time.monotonic()
        places = asyncio.Semaphore(_AT_ONCE)
        settings = stack.settings
        self._browsers = {host: Browser(settings, host, places) for host in plan.hosts}
        self._inboxes = {host: _Inbox(browser) for host, browser in self._browsers.items()}
        self._before: Observed | None = None
        self._installed_at = INSTALLED

    async def begin(self) -> None:
        """Creates the shops in Shopify, sends the early webhooks, and installs the app.

        Raises PageFailed or OutsideFailed if an installation fails for good.
        """
        self._started = time.monotonic()
        await self._remove_app()
        self._before = await self._observer.observe()
        await _all(self.outside.put_shop(shop.description) for shop in self._plan.shops)
        early = [webhook for shop in self._plan.shops for webhook in shop.early]
        await self._try_all("early webhooks", map(self.outside.tell, early))
        await _all(browser.install() for browser in self._browsers.values())
        # The next whole second, as Shopify tells no finer time: never before the installation.
        self._installed_at = (utc_now() + timedelta(seconds=1)).replace(microsecond=0)

    async def _remove_app(self) -> None:
        """Uninstalls the app from the shops of an earlier run: a grant to an installed app is only
        a sign-in, which imports no customers."""
        there = await self.outside.shops()
        hosts = [host for host in self._plan.hosts if there.get(host)]
        if hosts:
            await _all(map(self.outside.uninstall, hosts))
            await self.outside.webhooks_delivered()
            self._failures += await self._observer.quiet(_QUIET)

    async def only_install(self, *, removed_stays: bool = False) -> None:
        """Makes shops without customers where there are none, and installs the app.

        Shops that are there stay as they are; with `removed_stays` also those that removed it.
        """
        there = await self.outside.shops()
        new = [shop for shop in self._plan.shops if shop.host not in there]
        await _all(self.outside.put_shop({**shop.description, "customers": []}) for shop in new)
        hosts = [shop.host for shop in new]
        if not removed_stays:
            hosts += [host for host in self._plan.hosts if there.get(host) is False]
        await _all(self._browsers[host].install() for host in hosts)

    async def installed(self) -> tuple[str, ...]:
        """The plan's shops with the app installed."""
        there = await self.outside.shops()
        return tuple(host for host in self._plan.hosts if there.get(host))

    async def sign_in(self) -> None:
        """Signs the merchants in by one-time links. Raises PageFailed."""
        await _all(browser.sign_in() for browser in self._browsers.values())

    async def run(self) -> Summary:
        """Sends everything else, waits until the system is idle, and compares.

        Failures on the way are listed among the summary's differences.
        """
        if self._before is None:
            await self.begin()
        await asyncio.gather(*map(self._shop, self._plan.shops))
        late = [webhook for shop in self._plan.shops for webhook in shop.late]
        await self._try_all("late webhooks", map(self._tell, late))
        await self.outside.webhooks_delivered()
        self._failures += await self._observer.quiet(_QUIET)
        observed = await self._observer.observe()
        seconds = time.monotonic() - self._started
        assert self._before is not None  # noqa: S101 - begin has set it
        return compare(
            self._plan,
            observed.since(self._before),
            failures=self._failures,
            seconds=seconds,
            kills=[f"{kill.function}: {kill.held}" for kill in self._stack.runner.kills],
        )

    async def close(self) -> None:
        """Closes every connection and stops polling."""
        await self._mailboxes.stop()
        await _all(inbox.stop() for inbox in self._inboxes.values())
        await _all(browser.close() for browser in self._browsers.values())
        await self.outside.close()
        await self._observer.close()

    async def _shop(self, shop: ShopPlan) -> None:
        await asyncio.gather(
            self._try_all(f"{shop.host}: webhooks", map(self._tell, shop.webhooks)),
            self._try_all(f"{shop.host}: a conversation", map(self.talk, shop.talks)),
            self._try_all(
                f"{shop.host}: a mail", (self._stray(shop.host, stray) for stray in shop.strays)
            ),
        )

    async def _tell(self, webhook: Webhook) -> None:
        await self.outside.tell(dated(webhook, self._installed_at))

    async def talk(self, talk: Talk, think: Callable[[], Awaitable[None]] | None = None) -> None:
        """One conversation from its first mail to its last step; `think` comes between two.

        Raises PageFailed and OutsideFailed.
        """
        inbox, browser = self._inboxes[talk.shop], self._browsers[talk.shop]
        messages = mails = 0
        conversation = ""
        for step in talk.steps:
            if messages:  # nobody goes on before they can see what was before
                conversation = await inbox.conversation(talk, messages)
                if think:
                    await think()
            if step.kind == "answer":
                await browser.answer(conversation, step.text, twice=step.twice)
                mails += 1
            elif step.kind == "close":
                await browser.close_conversation(conversation)
            elif step.webhook is not None:
                await self.outside.tell(step.webhook)
            else:
                await self._post(talk, step, mails)
            messages += step.kind in INBOUND or step.kind == "answer"

    async def _post(self, talk: Talk, step: Step, mails: int) -> None:
        own = shop_address(talk.shop, self._stack.settings.mail_domain)
        name = talk.shop.partition(".")[0]
        ident = step.ses_id[:24]
        who = (talk.name, talk.address)
        if step.kind == "form":
            letter = letters.contact_form(own, name, *who, step.text, ident)
        elif step.kind == "mail":
            letter = letters.plain(own, *who, talk.subject, step.text, ident)
        else:
            entry = await self._mailboxes.mail(talk.shop, talk.address, mails)
            raw = message_from_bytes(await self.outside.raw_mail(entry))
            mail = Answered.of(entry, "".join(str(raw["Reply-To"]).split()))  # it may be folded
            if step.kind == "reply":
                letter = letters.reply(mail, *who, step.text, ident)
            elif step.kind == "away":
                letter = letters.away(mail.reply_to, *who, step.text, ident)
            else:
                letter = letters.report(mail.reply_to, talk.address, ident)
        await self.outside.post(letter, step.ses_id)

    async def _stray(self, host: str, stray: Stray) -> None:
        own = shop_address(host, self._stack.settings.mail_domain)
        ident, who = stray.ses_id[:24], (stray.name, stray.address)
        if stray.kind == "away":
            letter = letters.away(own, *who, "I am away.", ident)
        else:
            letter = letters.plain(own, *who, "You have won", "Send money first.", ident)
        await self.outside.post(letter, stray.ses_id, spam=stray.kind == "spam")

    async def _try_all(self, what: str, works: Iterable[Awaitable[None]]) -> None:
        """Runs all of it concurrently; failures are recorded, and the others continue."""
        for outcome in await asyncio.gather(*works, return_exceptions=True):
            if isinstance(outcome, CplusError):
                self._failures.append(f"{what}: {outcome}")
            elif isinstance(outcome, BaseException):
                raise outcome


class _Inbox:
    """The inbox of one shop, as its merchant sees it."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._rows: dict[str, dict[str, Any]] = {}
        self._by_address: defaultdict[str, set[str]] = defaultdict(set)
        self._watch = Watch(self._look, pause=0.5)

    async def conversation(self, talk: Talk, messages: int) -> str:
        """The id of the talk once it has so many messages; raises OutsideFailed."""

        def shown() -> str | None:
            for conversation in self._by_address[talk.address.lower()]:
                row = self._rows[conversation]
                # Who begins by mail may have begun another; a form gives no subject.
                same = talk.steps[0].kind == "form" or row["subject"] == talk.subject
                if same and row["messages"] >= messages:
                    return conversation
            return None

        what = f"message {messages} of a conversation in {talk.shop}"
        return str(await self._watch.until(shown, what, _SEEN))

    async def stop(self) -> None:
        """Stops polling."""
        await self._watch.stop()

    async def _look(self) -> None:
        # Newest first: after a page without anything new, there is nothing new.
        async for page in self._browser.inbox():
            news = False
            for row in page:
                news = news or self._rows.get(row["id"]) != row
                self._rows[row["id"]] = row
                self._by_address[str(row["from_address"])].add(row["id"])
            if not news:
                return


async def _all(works: Iterable[Awaitable[None]]) -> None:
    """Waits for all, and then raises the first error."""
    for outcome in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
