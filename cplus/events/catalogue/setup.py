"""A merchant's first steps in the app (stream `setup/<host>`)."""

from __future__ import annotations

from typing import ClassVar, Literal

from cplus.events.base import Event


class MailTestAnnounced(Event):
    """The merchant wants to see whether mail reaches the app: a mail with this code is that test,
    and no customer's."""

    TYPE: ClassVar[str] = "setup.mail_test_announced"
    code: str
    """Random; `cplus/mail/mail_tests.py` says how it is written."""


class MailTestReceived(Event):
    """A mail with the code of a test came in. It started no conversation."""

    TYPE: ClassVar[str] = "setup.mail_test_received"
    code: str
    channel: Literal["contact_form", "email"]


class GuideDismissed(Event):
    """The merchant wants the first steps shown no more."""

    TYPE: ClassVar[str] = "setup.guide_dismissed"


class GuideRestored(Event):
    """The merchant wants the first steps shown again."""

    TYPE: ClassVar[str] = "setup.guide_restored"
