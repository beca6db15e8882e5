"""Every reaction."""

from __future__ import annotations

from cplus.consumers.reactions.allowances import ALLOWANCES
from cplus.consumers.reactions.auto_replies import AUTO_REPLIES
from cplus.consumers.reactions.erasures import ERASURES
from cplus.consumers.reactions.imports import IMPORTS
from cplus.consumers.reactions.mail import MAIL
from cplus.consumers.reactions.mailboxes import MAILBOXES
from cplus.consumers.reactions.notices import NOTICES
from cplus.consumers.reactions.pushes import PUSHES
from cplus.consumers.reactions.reaction import Reaction
from cplus.consumers.reactions.replies import REPLIES
from cplus.consumers.reactions.snoozes import SNOOZES
from cplus.consumers.reactions.tenants import TENANTS
from cplus.consumers.reactions.uninstalls import UNINSTALLS

REACTIONS: tuple[Reaction, ...] = (
    IMPORTS,
    REPLIES,
    UNINSTALLS,
    ALLOWANCES,
    ERASURES,
    NOTICES,
    MAILBOXES,
    MAIL,
    AUTO_REPLIES,
    TENANTS,
    SNOOZES,
    PUSHES,
)
