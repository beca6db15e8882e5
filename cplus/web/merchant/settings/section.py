"""What a section of the page is. A new one is a file of this folder, a template beside
`settings/mail.html` and a line in `page.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from cplus.clock import Clock
from cplus.commands.conversations.answering import Conversations
from cplus.consumers.sending.domains.checking import SenderDomains
from cplus.consumers.sending.limits.budget import Budget
from cplus.events.aggregates.settings import ShopSettings
from cplus.projections.queries import Queries
from cplus.web.kit.signed_in import Merchant

PAGE: Final = "/settings/mail"


class Domains(NamedTuple):
    """From where mail leaves."""

    own: SenderDomains
    """The merchants' own domains."""
    budget: Budget
    """What may leave from ours."""


@dataclass(frozen=True, slots=True)
class Looking:
    """What sections are made of."""

    me: Merchant
    settings: ShopSettings
    """What is set by now, by the log: so a page shows what its form just saved."""
    queries: Queries
    use: Conversations
    domain: str
    """The domain of our mail; empty if this app takes none."""
    clock: Clock
    secret: str
    """The application secret, of which codes are made."""
    domains: Domains
    asked: Mapping[str, str]
    """What the address of the page says."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A form of the page that came in."""

    fields: Mapping[str, str]
    key: str
    """It is carried out once for each key."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with a form of its own, which goes to `/settings/mail/<name>`."""

    name: str
    """Also that of its template, `settings/<name>.html`."""
    shown: Callable[[Looking], Awaitable[Mapping[str, Any]]]
    """What its template gets as `shown`."""
    save: Callable[[Looking, Sent], Awaitable[object]]
    """Carries the form out. What InvalidInput says is shown in the section, with what was
    typed."""
