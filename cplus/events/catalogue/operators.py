"""What operators of the app do, kept in the log of the shop concerned: a look at personal data is a
stream of its own (`look/<id>`)."""

from __future__ import annotations

from typing import ClassVar

from cplus.events.base import Event


class OperatorLooked(Event):
    """An operator asked to see personal data; recorded before they see any."""

    TYPE: ClassVar[str] = "operator.looked"
    question: str
    """What was asked, for example `log show`."""
    about: str
    """What it was asked of, by a name that is nobody's own: `conversation/<id>`, `person/<id>`,
    `position/42`. Never what was found."""
