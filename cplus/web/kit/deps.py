"""What a page may ask for, each part by its own name; FastAPI hands it over.

Only here the pages' parts are taken out of all parts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Protocol

from fastapi import Depends, FastAPI, HTTPException, Request

from cplus.aws import DeadLetters
from cplus.bootstrap import Parts
from cplus.clock import Clock
from cplus.commands.allowances import used
from cplus.commands.conversations.answering import Conversations
from cplus.commands.conversations.beginning import Beginning
from cplus.commands.conversations.bulk import Bulk
from cplus.commands.conversations.failed import FailedReplies
from cplus.commands.conversations.withdrawing import Withdrawals
from cplus.commands.erasing import Erasures
from cplus.commands.exporting import Exports
from cplus.commands.installs import Installs
from cplus.commands.looking import Looks
from cplus.commands.person_tags import Tagging
from cplus.commands.team import Staff
from cplus.consumers.mail.message_files import MessageFiles
from cplus.consumers.mail.stored_mail import StoredMails
from cplus.consumers.reactions.registry import REACTIONS
from cplus.consumers.sending.domains.checking import SenderDomains
from cplus.consumers.sending.limits.budget import Budget
from cplus.consumers.webhooks.untranslated import Untranslated, count_untranslated
from cplus.events.audit.history import PAGE, History, history
from cplus.events.audit.questions import is_known
from cplus.privacy.certificates import Certificates
from cplus.privacy.export import Export, gather
from cplus.privacy.sessions import EndedSessions, UsedLinks, UsedTokens
from cplus.privacy.token_tries import TokenTries
from cplus.projections.checks.as_it_was import Past, conversation_at, steps_of
from cplus.projections.groups import ALL
from cplus.projections.lag.overview import Overview, overview
from cplus.projections.queries import Queries
from cplus.shopify.oauth import session_token
from cplus.shopify.shop_ids import ShopIds
from cplus.signing import Signer
from cplus.web.kit.auth import Signatures
from cplus.web.kit.cookies import Cookies
from cplus.web.kit.file_links import FileLinks
from cplus.web.kit.frame import Bridge
from cplus.web.kit.handshake import Handshake
from cplus.web.kit.id_tokens import ReadToken
from cplus.web.kit.pages import Pages
from cplus.web.kit.upload_tokens import UploadTokens
from cplus.webpush import Vapid
from cplus.workspace import Workspace
from cplus.workspace.drafts import Drafts, Find
from cplus.workspace.push_subscriptions import PushSubscriptions


class ReadLag(Protocol):
    """Reads how far the readers of every shop's log are."""

    async def __call__(self, *, shops: Collection[str] | None, most: int) -> Overview:
        """Of all shops, or of those named; `most` of them one by one."""
        ...


class Answers(Protocol):
    """Asks the database whether it answers."""

    async def __call__(self) -> None:
        """Raises the driver's error if it does not."""
        ...


class AllowanceUsed(Protocol):
    """Tells what a shop uses of what its plan allows."""

    async def __call__(self, shop: str, month: str) -> int:
        """How many conversations have a place of that month's allowance."""
        ...


class Head(Protocol):
    """Tells how long the log of a shop is."""

    async def __call__(self, shop: str) -> int:
        """The position of its newest commit; 0 where there is none."""
        ...


class ReadHistory(Protocol):
    """Reads who did what to a conversation."""

    async def __call__(
        self, shop: str, conversation_id: str, *, before: int | None = None, limit: int = PAGE
    ) -> History:
        """A page of it, newest first."""
        ...


class ReadPast(Protocol):
    """Reads a conversation as it was."""

    async def __call__(self, shop: str, conversation_id: str, position: int) -> Past | None:
        """Right after the commit at that position."""
        ...


class ReadSteps(Protocol):
    """Reads when a conversation changed."""

    async def __call__(self, shop: str, conversation_id: str) -> Sequence[int]:
        """The positions of its commits, in order: of as many as can be shown as they were."""
        ...


class CountUntranslated(Protocol):
    """Counts webhooks that could not be translated."""

    async def __call__(self, *, since: datetime, most: int) -> Untranslated:
        """Of those that came since then, and of the first `most` without events."""
        ...


class IsKnown(Protocol):
    """Says whether the log holds anything about a person."""

    async def __call__(self, shop: str, person: str) -> bool:
        """Besides requests for it."""
        ...


class Gather(Protocol):
    """Reads what is kept about a person."""

    async def __call__(self, shop: str, ids: Sequence[str], *, after: int) -> Export:
        """Behind a position of the shop's log, by all of their ids."""
        ...


def furnish(app: FastAPI, parts: Parts) -> None:
    """Lets the pages of the app have these parts. Nothing connects yet."""
    secret = parts.settings.secret("application_secret")
    app.state.parts = parts
    app.state.pages = Pages(parts.clock, parts.settings.shopify_admin_origin)
    app.state.pages.offer(file_link=FileLinks(parts.signer).address)
    app.state.bridge = Bridge.from_settings(parts.settings)
    app.state.pages.offer(optional_scopes=app.state.bridge.optional_scopes)
    app.state.signatures = Signatures(secret, parts.signer)
    app.state.cookies = Cookies(secure=parts.settings.app_url.startswith("https://"))


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


async def pages_of(request: Request) -> Pages:
    """Renders templates."""
    pages: Pages = request.app.state.pages
    return pages


async def signatures_of(request: Request) -> Signatures:
    """Makes and reads the cookies and the tokens in forms."""
    signatures: Signatures = request.app.state.signatures
    return signatures


async def cookies_of(request: Request) -> Cookies:
    """Gives and reads cookies."""
    cookies: Cookies = request.app.state.cookies
    return cookies


async def clock_of(request: Request) -> Clock:
    """What time it is."""
    return _parts(request).clock


async def queries_of(request: Request) -> Queries:
    """Asks the read models."""
    return _parts(request).queries


async def ended_of(request: Request) -> EndedSessions:
    """Knows the sessions that ended before their time."""
    return _parts(request).ended_sessions


async def _signer(request: Request) -> Signer:
    return _parts(request).signer


async def _used_links(request: Request) -> UsedLinks:
    return _parts(request).used_links


async def handshake_of(request: Request) -> Handshake:
    """Begins and verifies consents at Shopify."""
    parts = _parts(request)
    secret = parts.settings.secret("application_secret")
    return Handshake(parts.app, parts.clock, parts.settings.app_url, secret)


async def _token_tries(request: Request) -> TokenTries:
    return _parts(request).token_tries(request.client.host if request.client else None)


async def _app_url(request: Request) -> str:
    return _parts(request).settings.app_url


async def installs_of(request: Request) -> Installs:
    """What installing needs."""
    return _parts(request).installs


async def _answers(request: Request) -> Answers:
    database = _parts(request).mongo.database

    async def answers() -> None:
        await database.command("ping")

    return answers


async def _head(request: Request) -> Head:
    store = _parts(request).store

    async def head(shop: str) -> int:
        return (await store.head(shop)).position

    return head


async def _allowance_used(request: Request) -> AllowanceUsed:
    store = _parts(request).store

    async def of_month(shop: str, month: str) -> int:
        return await used(store, shop, month)

    return of_month


async def conversations_of(request: Request) -> Conversations:
    """What a merchant does with conversations."""
    return _parts(request).conversations


async def _failed_replies(request: Request) -> FailedReplies:
    return _parts(request).failed_replies


async def workspace_of(request: Request) -> Workspace:
    """What staff has read and did last."""
    return _parts(request).workspace


async def drafts_of(request: Request) -> Drafts:
    """What staff has begun to write."""
    return _parts(request).drafts


async def find_person_of(request: Request) -> Find:
    """Finds whose an address is."""
    return _parts(request).persons.find


async def staff_of(request: Request) -> Staff:
    """Learns who a member of staff is."""
    return _parts(request).staff


async def _bulk(request: Request) -> Bulk:
    """Does the same with many conversations."""
    parts = _parts(request)
    return Bulk(parts.conversations, parts.workspace.undoes, parts.workspace.members)


async def _tagging(request: Request) -> Tagging:
    """Tags many persons."""
    parts = _parts(request)
    return Tagging(parts.erasures, parts.workspace.undoes)


async def _withdrawals(request: Request) -> Withdrawals:
    return _parts(request).withdrawals


async def _beginning(request: Request) -> Beginning:
    return _parts(request).beginning


async def _undo_seconds(request: Request) -> int:
    return _parts(request).settings.undo_seconds


async def _stored_mails(request: Request) -> StoredMails:
    return _parts(request).stored_mails


async def _message_files(request: Request) -> MessageFiles:
    return _parts(request).message_files


async def _file_links(request: Request) -> FileLinks:
    return FileLinks(_parts(request).signer)


async def _upload_tokens(request: Request) -> UploadTokens:
    parts = _parts(request)
    return UploadTokens(parts.settings.secret("application_secret"), parts.clock)


async def _secret(request: Request) -> str:
    return _parts(request).settings.secret("application_secret")


async def _mail_domain(request: Request) -> str:
    return _parts(request).settings.mail_domain


async def push_subscriptions_of(request: Request) -> PushSubscriptions:
    """Knows the browsers of staff that are told of new messages."""
    return _parts(request).push_subscriptions


async def _vapid(request: Request) -> Vapid:
    return _parts(request).vapid


async def _push_origin(request: Request) -> str:
    return _parts(request).settings.push_origin


async def bridge_of(request: Request) -> Bridge:
    """What the pages inside the Admin need of Shopify."""
    bridge: Bridge = request.app.state.bridge
    return bridge


async def used_tokens_of(request: Request) -> UsedTokens:
    """Knows the id tokens that were used."""
    return _parts(request).used_tokens


async def read_token_of(request: Request) -> ReadToken:
    """Reads id tokens of Shopify."""
    parts = _parts(request)
    # The app's own secret is asked for with the first token, and not before.
    return lambda token: session_token(parts.app, token)


async def operator_token_of(request: Request) -> str:
    """What opens the console; 404 without one."""
    token = _parts(request).settings.operator_token
    if token is None or not token.get_secret_value():
        raise HTTPException(404)  # no token was set: there is no console
    return token.get_secret_value()


async def _lag(request: Request) -> ReadLag:
    parts = _parts(request)
    return partial(overview, parts.mongo, parts.store, ALL, parts.clock, reactions=REACTIONS)


async def _untranslated(request: Request) -> CountUntranslated:
    return partial(count_untranslated, _parts(request).store)


async def _dead_letters(request: Request) -> DeadLetters:
    return _parts(request).dead_letters


async def _history(request: Request) -> ReadHistory:
    parts = _parts(request)
    return partial(history, parts.store, parts.reader)


async def _past(request: Request) -> ReadPast:
    parts = _parts(request)
    return partial(conversation_at, parts.store, parts.reader)


async def _steps(request: Request) -> ReadSteps:
    return partial(steps_of, _parts(request).store)


async def _is_known(request: Request) -> IsKnown:
    parts = _parts(request)
    return partial(is_known, parts.store, parts.reader)


async def _gather(request: Request) -> Gather:
    parts = _parts(request)
    return partial(gather, parts.store, parts.reader)


async def _exports(request: Request) -> Exports:
    return _parts(request).exports


async def _certificates(request: Request) -> Certificates:
    return _parts(request).certificates


async def _erasures(request: Request) -> Erasures:
    return _parts(request).erasures


async def _looks(request: Request) -> Looks:
    return _parts(request).looks


async def _shop_ids(request: Request) -> ShopIds:
    return _parts(request).shop_ids


async def _sender_domains(request: Request) -> SenderDomains:
    return _parts(request).sender_domains


async def _budget(request: Request) -> Budget:
    return _parts(request).mail_budget


PagesDep = Annotated[Pages, Depends(pages_of)]
SignaturesDep = Annotated[Signatures, Depends(signatures_of)]
CookiesDep = Annotated[Cookies, Depends(cookies_of)]
ClockDep = Annotated[Clock, Depends(clock_of)]
QueriesDep = Annotated[Queries, Depends(queries_of)]
EndedSessionsDep = Annotated[EndedSessions, Depends(ended_of)]
SignerDep = Annotated[Signer, Depends(_signer)]
UsedLinksDep = Annotated[UsedLinks, Depends(_used_links)]
HandshakeDep = Annotated[Handshake, Depends(handshake_of)]
TokenTriesDep = Annotated[TokenTries, Depends(_token_tries)]
AppUrlDep = Annotated[str, Depends(_app_url)]
InstallsDep = Annotated[Installs, Depends(installs_of)]
FailedRepliesDep = Annotated[FailedReplies, Depends(_failed_replies)]
ConversationsDep = Annotated[Conversations, Depends(conversations_of)]
DraftsDep = Annotated[Drafts, Depends(drafts_of)]
FindPersonDep = Annotated[Find, Depends(find_person_of)]
WorkspaceDep = Annotated[Workspace, Depends(workspace_of)]
StaffDep = Annotated[Staff, Depends(staff_of)]
BulkDep = Annotated[Bulk, Depends(_bulk)]
WithdrawalsDep = Annotated[Withdrawals, Depends(_withdrawals)]
BeginningDep = Annotated[Beginning, Depends(_beginning)]
UndoSecondsDep = Annotated[int, Depends(_undo_seconds)]
AnswersDep = Annotated[Answers, Depends(_answers)]
AllowanceUsedDep = Annotated[AllowanceUsed, Depends(_allowance_used)]
HeadDep = Annotated[Head, Depends(_head)]
StoredMailsDep = Annotated[StoredMails, Depends(_stored_mails)]
MessageFilesDep = Annotated[MessageFiles, Depends(_message_files)]
FileLinksDep = Annotated[FileLinks, Depends(_file_links)]
UploadTokensDep = Annotated[UploadTokens, Depends(_upload_tokens)]
SecretDep = Annotated[str, Depends(_secret)]
"""The application secret, of which the codes for a merchant's mailboxes are made."""
PushSubscriptionsDep = Annotated[PushSubscriptions, Depends(push_subscriptions_of)]
VapidDep = Annotated[Vapid, Depends(_vapid)]
PushOriginDep = Annotated[str, Depends(_push_origin)]
MailDomainDep = Annotated[str, Depends(_mail_domain)]
BridgeDep = Annotated[Bridge, Depends(bridge_of)]
UsedTokensDep = Annotated[UsedTokens, Depends(used_tokens_of)]
ReadTokenDep = Annotated[ReadToken, Depends(read_token_of)]
OperatorTokenDep = Annotated[str, Depends(operator_token_of)]
LagDep = Annotated[ReadLag, Depends(_lag)]
UntranslatedDep = Annotated[CountUntranslated, Depends(_untranslated)]
DeadLettersDep = Annotated[DeadLetters, Depends(_dead_letters)]
HistoryDep = Annotated[ReadHistory, Depends(_history)]
PastDep = Annotated[ReadPast, Depends(_past)]
StepsDep = Annotated[ReadSteps, Depends(_steps)]
GatherDep = Annotated[Gather, Depends(_gather)]
ExportsDep = Annotated[Exports, Depends(_exports)]
ErasuresDep = Annotated[Erasures, Depends(_erasures)]
TaggingDep = Annotated[Tagging, Depends(_tagging)]
IsKnownDep = Annotated[IsKnown, Depends(_is_known)]
CertificatesDep = Annotated[Certificates, Depends(_certificates)]
LooksDep = Annotated[Looks, Depends(_looks)]
SenderDomainsDep = Annotated[SenderDomains, Depends(_sender_domains)]
BudgetDep = Annotated[Budget, Depends(_budget)]
ShopIdsDep = Annotated[ShopIds, Depends(_shop_ids)]
