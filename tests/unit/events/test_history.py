"""The history of a conversation tells every kind of event that can happen to one."""

from __future__ import annotations

from typing import Final

from cplus.events.audit.history import DEEDS
from cplus.events.base import Event
from cplus.events.catalogue import all_events, conversations, handling, mail

NOT_TOLD: Final[dict[type[Event], str]] = {
    mail.MailRequested: "it is no reply, but another mail of ours",
    handling.MembersMentioned: "the note in the same commit is told",
    mail.MailSetAside: "it is in no conversation; `mail.taken_up` tells once one is made of it",
}
"""Kinds that the history leaves out, and why."""


def test_what_happens_to_a_conversation_is_told_or_left_out_for_a_reason() -> None:
    families = {conversations.__name__, handling.__name__, mail.__name__}
    kinds = {kind for kind in all_events() if kind.__module__ in families}
    assert conversations.ConversationStarted in kinds
    assert kinds == {kind for kind in DEEDS if kind.__module__ in families} | set(NOT_TOLD)
    assert not set(NOT_TOLD) & set(DEEDS)
