"""One mail as an example: its events, and how it is made of them."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pydantic import SecretStr

from cplus.aws import MAIL, Aws, SealedObjects
from cplus.commands.files import Files
from cplus.consumers.sending.purpose import Mail, MailParts
from cplus.consumers.sending.purposes import registered
from cplus.events.base import AggregateEvent, NewEvent
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.catalogue.mail import REPLY, MailRequested
from cplus.events.catalogue.settings import SignatureSet
from cplus.events.catalogue.shops import AppInstalled
from cplus.events.files import StoredFile
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import settled
from cplus.events.names import INSTALLED_REF, settings_stream, shop_stream
from cplus.events.nudges import News
from cplus.events.recording import Recorder
from cplus.privacy.sealed_log import log_in_memory
from cplus.projections.queries import Conversation, Order, Page
from cplus.projections.queries.views import Parcel, TrackingLink
from cplus.settings import Settings

SHOP: Final = "birch-bloom.myshopify.com"
NOW: Final = datetime(2026, 11, 23, 10, 5, tzinfo=UTC)
OWNER: Final = "owner@example.com"

_DOT: Final = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True, slots=True)
class Example:
    """A mail that is to go out."""

    name: str
    """Of the files that it is written to."""
    wish: ReplyWritten | MailRequested
    before: Sequence[tuple[NewEvent, Sequence[str]]] = ()
    """What else its shop's log holds, each with its refs."""

    @property
    def kind(self) -> str:
        """The name of its purpose."""
        return REPLY if isinstance(self.wish, ReplyWritten) else self.wish.purpose


async def render(example: Example) -> Mail:
    """The mail; raises LookupError if its purpose has nothing to send."""
    store, reader = log_in_memory(lambda: NOW)
    recorder = Recorder(store, reader, _Nobody())
    for number, (event, refs) in enumerate([*_shop(), *example.before]):
        draft = Draft(
            shop=SHOP,
            claim=f"example/{number}",
            source="example",
            actor="system/example",
            events=[event],
            refs=[*refs, event.stream],
        )
        [outcome] = await recorder.append([draft])
        settled(outcome)
    aws = Aws()
    files = _Files(SealedObjects(aws, "no-bucket", MAIL))
    told = (_orders, _unanswered)
    use = MailParts(_settings(), recorder, _addresses, aws, *told, lambda: NOW, files)
    ready = await registered()[example.kind].ready(SHOP, example.wish, use)
    if not isinstance(ready, Mail):
        raise LookupError(f"the example {example.name} is not sent: {ready[0]}")
    return ready


def happened(event: AggregateEvent, *refs: str) -> tuple[NewEvent, Sequence[str]]:
    """An event for `before`."""
    return NewEvent.decided(event), refs


def _shop() -> list[tuple[NewEvent, Sequence[str]]]:
    """The shop, and what stands below its replies."""
    install = AppInstalled(
        originator_id=shop_stream(SHOP),
        originator_version=1,
        timestamp=NOW,
        scopes=(),
        shop_name="Birch & Bloom",
        timezone="Europe/Berlin",
    )
    signature = SignatureSet(
        originator_id=settings_stream(SHOP),
        originator_version=1,
        timestamp=NOW,
        person="person/signature",
        text="Sam Weaver\nBirch & Bloom · www.birch-bloom.example",
    )
    return [happened(install, INSTALLED_REF), happened(signature)]


def _settings() -> Settings:
    """Those of an invented deployment, whatever this machine's are."""
    return Settings(
        application_secret=SecretStr("only for examples"),
        mail_domain="mail.cplus.example",
        app_url="https://cplus.example",
        shopify_admin_origin="https://admin.shopify.com",
        shopify_client_id="example",
    )


async def _addresses(_shop: str) -> Sequence[str]:
    return [OWNER]


async def _orders(_shop: str, _person: str) -> Sequence[Order]:
    return [
        Order(
            shopify_id=1001,
            person="person/ines",
            name="#1001",
            total_price="48.00",
            currency="EUR",
            financial_status="paid",
            fulfillment_status="fulfilled",
            cancelled=False,
            test=False,
            created_at=NOW,
            items=[],
            more_items=0,
            parcels=[
                Parcel(
                    status="success",
                    shipment_status="in_transit",
                    at=NOW,
                    company="DHL",
                    links=[TrackingLink("JD0001", "https://tracking.example.com/JD0001")],
                )
            ],
            refunds=[],
        )
    ]


async def _unanswered(_shop: str, _limit: int) -> Page[Conversation]:
    waits = Conversation(
        id="c0nversat10n0001",
        person="person/ines",
        erased=False,
        subject="Blue jug",
        channel="email",
        from_name="Ines Okafor",
        from_address="ines.okafor@example.com",
        open=True,
        unanswered=True,
        messages=1,
        snippet="Is the blue jug back in stock?",
        last_message_at=NOW,
        last_from="shopper",
        last_failed=False,
        last_unproved=False,
        started_at=NOW,
        closed_at=None,
        spam=False,
    )
    return Page([waits], None)


class _Files(Files):
    """Files of invented messages: a picture of one dot, and texts."""

    async def get(self, shop: str, file: StoredFile) -> bytes:
        """The bytes of one."""
        return _DOT if file.content_type == "image/png" else f"{file.name} of {shop}\n".encode()


class _Nobody:
    """Nobody follows the log."""

    async def nudge(self, news: Mapping[str, News]) -> None:
        """Tells nobody."""
