"""Finds the conversation that a mail belongs to, by the log and never through a read model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cplus.commands.conversations.merging import root_of
from cplus.commands.conversations.moving import place_of
from cplus.consumers.mail.message_ids import rfc_ref
from cplus.consumers.mail.reading import Found
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.catalogue.conversations import ConversationStarted
from cplus.events.log.commit import Commit
from cplus.events.log.store import EventStore
from cplus.events.names import (
    SHOP_ERASED_REF,
    claimed_stream,
    contact_sequence,
    conversation_stream,
    is_conversation,
    message_ref,
    version_claim,
)
from cplus.events.recording import Recorder
from cplus.ids import random_id
from cplus.mail import Candidate, InboundMail, Route, candidates
from cplus.privacy.identities import Resolved
from cplus.settings import Settings

_CANDIDATES = 20  # a mail may name a thousand others; the best come first
_LAST = 20  # of a person's conversations, among which the newest is


@dataclass(frozen=True, slots=True)
class ConversationFinder:
    """Finds a mail's conversation in the log."""

    settings: Settings
    store: EventStore
    recorder: Recorder

    async def by_thread(self, way: Route, mail: InboundMail, now: datetime) -> Conversation | None:
        """The conversation that the mail answers: by a token in its address, by Message-IDs, by a
        token in a quoted marker. One whose person was erased only if it answers no other."""
        secret = self.settings.secret("application_secret")
        erased, over = None, None
        found = candidates(mail, [way], shop=way.shop, secret=secret)
        for candidate in found[:_CANDIDATES]:
            signed = candidate.kind in ("token", "marker")
            for stream, named in await self._streams(way.shop, candidate):
                conversation = await self._followed(way.shop, stream, named, found)
                if not conversation.version or (signed and self._ended(conversation, now)):
                    continue
                erased = erased or await self.store.by_ref(way.shop, SHOP_ERASED_REF, 1)
                if _is_from_before(conversation, erased):
                    continue
                if not conversation.erased:
                    return conversation
                over = over or conversation
        return over

    async def by_person(
        self, shop: str, who: Resolved, found: Found, now: datetime
    ) -> tuple[Conversation, list[tuple[str, int]]]:
        """The newest conversation of the person, if a contact form may join it; or a new one,
        with the place among the person's conversations that it claims."""
        contact = contact_sequence(who.person)
        number, _ = await self.store.latest(shop, contact)
        if found.form is not None:
            newest = await self._newest(shop, who)
            conversation = await self._followed(shop, newest) if newest else None
            if conversation is not None and self._may_join(conversation, now):
                return conversation, []
        conversation = Conversation.empty(conversation_stream(random_id()))
        conversation.start(
            person=who.person,
            channel="contact_form" if found.form else "email",
            subject=found.subject,
            now=now,
        )
        return conversation, [(contact, number + 1)]

    async def _newest(self, shop: str, who: Resolved) -> str | None:
        """The person's conversation that began last, by when it began: what a merchant makes of
        an old mail, or what is read again from the dead letters, is recorded late."""
        claims = list[str]()
        for id_ in who.ids:  # former ones too: what began before two persons turned out to be one
            contact = contact_sequence(id_)
            number, _ = await self.store.latest(shop, contact)
            last = range(max(1, number - _LAST + 1), number + 1)
            claims += [version_claim(contact, one) for one in last]
        commits = {one.id: one for one in (await self.store.by_claims(shop, claims)).values()}
        read = await self.recorder.reader.read(list(commits.values()), [ConversationStarted])
        began = [recorded for events in read for recorded in events]
        last_begun = max(began, key=lambda one: (one.occurred_at, one.position), default=None)
        return last_begun.stream if last_begun else None

    async def _streams(self, shop: str, candidate: Candidate) -> list[tuple[str, list[str]]]:
        """The conversations that the candidate names, each with the messages that it names."""
        if candidate.kind in ("token", "marker"):
            return [(conversation_stream(candidate.value), [])]
        found = await self._commits(shop, candidate)
        return [(stream, named) for one, named in found for stream in _conversations(one)]

    async def _commits(self, shop: str, candidate: Candidate) -> list[tuple[Commit, list[str]]]:
        """Those about the message whose Message-ID the candidate is, each with its id."""
        commits = await self.store.by_ref(shop, rfc_ref(self.settings, candidate.value))
        found = [(one, _messages(one)) for one in commits]
        own, _, domain = candidate.value.rpartition("@")
        if domain == self.settings.mail_domain.lower():
            # The id that we gave our mail: SES replaces it on the way, but some mail
            # programs quote it from what SES passes on.
            found += [(one, [own]) for one in await self.store.by_ref(shop, message_ref(own))]
        return found

    async def _followed(
        self,
        shop: str,
        stream: str,
        named: Sequence[str] = (),
        found: Sequence[Candidate] = (),
    ) -> Conversation:
        """The conversation, or where the message stands now that is answered there, or what that
        was merged into. `named`: the messages that are, if the candidate says so; a token does not,
        so of `found` the first Message-ID of a message of the conversation does."""
        talk: Conversation = await self.recorder.load(Conversation, shop, stream)
        if talk.thread.left:
            answered = named or await self._answered(shop, talk, found)
            moved = next((one for one in answered if one in talk.thread.left), None)
            if moved is not None:
                talk = await place_of(self.recorder, shop, talk, moved)
        return await root_of(self.recorder, shop, talk)

    async def _answered(
        self, shop: str, talk: Conversation, found: Sequence[Candidate]
    ) -> list[str]:
        for candidate in found[:_CANDIDATES]:
            if candidate.kind in ("token", "marker"):
                continue
            for _, named in await self._commits(shop, candidate):
                if known := [one for one in named if one in talk.thread.known]:
                    return known
        return []

    def _ended(self, conversation: Conversation, now: datetime) -> bool:
        """Whether the tokens of the conversation have ended: a mail that was passed on years ago
        opens nothing."""
        limit = timedelta(days=self.settings.token_days)
        last = conversation.last_message_at
        return last is not None and now - last > limit

    def _may_join(self, conversation: Conversation, now: datetime) -> bool:
        if conversation.spam:  # anybody can write any address into a form
            return False
        if conversation.open:
            return True
        limit = timedelta(days=self.settings.join_closed_days)
        return conversation.closed_at is not None and now - conversation.closed_at < limit


def may_take_answers(conversation: Conversation, who: Resolved, found: Found) -> bool:
    """Whether answers go to the mail's sender from now on.

    Message-IDs, reply addresses and markers are known to everybody who was ever copied: they say
    where a mail belongs, and not that its sender may have the answers. So only the person of the
    conversation, proved to be the sender, moves them to another address; for anybody else the
    merchant decides.
    """
    if not found.address or found.address == conversation.address:
        return bool(found.address)
    return found.proved is True and conversation.person in who.ids


def _is_from_before(conversation: Conversation, erased: Sequence[Commit]) -> bool:
    """Whether the conversation ended with the erasure of its shop: no read model has it."""
    last = conversation.last_message_at
    return bool(erased) and (last is None or last <= erased[0].recorded_at)


def _messages(commit: Commit) -> list[str]:
    """The ids of the messages that the commit is about."""
    prefix = message_ref("")
    return [ref.removeprefix(prefix) for ref in commit.refs if ref.startswith(prefix)]


def _conversations(commit: Commit) -> list[str]:
    """The conversations that the commit is about, by its claims and refs."""
    names = [ref for ref in commit.refs if is_conversation(ref)]
    claimed = [claimed_stream(c) for c in commit.claims if is_conversation(c)]
    return list(dict.fromkeys(names + claimed))
