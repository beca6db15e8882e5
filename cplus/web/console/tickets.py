"""Signed notes that an address carries from one page of the console to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import Depends

from cplus.errors import InvalidSignature
from cplus.privacy.sessions import UsedLinks
from cplus.signing import Signer
from cplus.web.console.signed_in import KnownOperatorDep
from cplus.web.kit.auth import Session
from cplus.web.kit.deps import SignerDep, UsedLinksDep

_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Tickets:
    """Those of one operator's session: no other session, and nobody else, can make or read them."""

    session: Session
    signer: Signer
    used: UsedLinks

    def make(self, kind: str, queue: str, **held: str) -> str:
        """A ticket about a queue that holds these texts, good for two minutes."""
        of = self.session.id
        return self.signer.sign(f"console {kind}", _SECONDS, queue=queue, session=of, **held)

    def read(self, kind: str, ticket: str, queue: str) -> Mapping[str, Any]:
        """What the ticket holds, also one that is used or over; nothing if it is not ours."""
        try:
            held = self.signer.read_ended(f"console {kind}", ticket)
        except InvalidSignature:
            return {}
        ours = (held["queue"], held["session"]) == (queue, self.session.id)
        return held if ours else {}

    async def use(self, held: Mapping[str, Any]) -> bool:
        """Uses the ticket up; whether it was still good. Of several at once, one is."""
        if held["until"] <= self.signer.now():
            return False
        until = datetime.fromtimestamp(held["until"], UTC)
        return await self.used.use(f"ticket/{held['id']}", until)


async def _tickets(session: KnownOperatorDep, signer: SignerDep, used: UsedLinksDep) -> Tickets:
    return Tickets(session, signer, used)


TicketsDep = Annotated[Tickets, Depends(_tickets)]
