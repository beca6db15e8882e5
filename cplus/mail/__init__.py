"""Email: reading incoming mail, matching it to conversations, and composing outgoing mail.

This package does not know about the log, opens no connections, and reads the clock only for the
Date of a mail that is composed without one.
"""

from cplus.mail.addresses import (
    Route,
    conversation_token,
    no_reply_address,
    open_token,
    reply_address,
    route,
    shop_address,
    shop_name,
)
from cplus.mail.loops import answer_address, is_own_address, is_own_mail
from cplus.mail.mail_tests import CODE_LENGTH, code_in, written_code
from cplus.mail.matching import Candidate, candidates, message_id_key
from cplus.mail.model import Attachment, InboundMail
from cplus.mail.notifications import (
    FALLBACK_TAG,
    MESSAGE_TAG,
    SHOP_TAG,
    MailEvent,
    Receipt,
    parse_event,
    parse_receipt,
    tagged_shop,
)
from cplus.mail.parts.files import MailFile, files_in, files_of
from cplus.mail.parts.formatted import Formatted, formatted, lines_of
from cplus.mail.parts.invites import Invite, read_invites
from cplus.mail.parts.kinds import PICTURES
from cplus.mail.proof import author_is_proved
from cplus.mail.reading.automatic import NO_REPLIES, takes_no_answers
from cplus.mail.reading.contact_form import ContactForm, contact_form, is_form_sender
from cplus.mail.reading.html_text import to_text as html_text
from cplus.mail.reading.mailbox import addresses_in, normal_address
from cplus.mail.reading.parse import (
    NO_MAIL,
    attachment_bytes,
    normal_message_id,
    parse,
    parse_with_parts,
)
from cplus.mail.writing.compose import compose_notice, compose_reply
from cplus.mail.writing.headers import reply_subject
from cplus.mail.writing.model import (
    FILES_LIMIT,
    HISTORY_LIMIT,
    RECIPIENTS_LIMIT,
    OutgoingFile,
    Quoted,
)

__all__ = [
    "CODE_LENGTH",
    "FALLBACK_TAG",
    "FILES_LIMIT",
    "HISTORY_LIMIT",
    "MESSAGE_TAG",
    "NO_MAIL",
    "NO_REPLIES",
    "PICTURES",
    "RECIPIENTS_LIMIT",
    "SHOP_TAG",
    "Attachment",
    "Candidate",
    "ContactForm",
    "Formatted",
    "InboundMail",
    "Invite",
    "MailEvent",
    "MailFile",
    "OutgoingFile",
    "Quoted",
    "Receipt",
    "Route",
    "addresses_in",
    "answer_address",
    "attachment_bytes",
    "author_is_proved",
    "candidates",
    "code_in",
    "compose_notice",
    "compose_reply",
    "contact_form",
    "conversation_token",
    "files_in",
    "files_of",
    "formatted",
    "html_text",
    "is_form_sender",
    "is_own_address",
    "is_own_mail",
    "lines_of",
    "message_id_key",
    "no_reply_address",
    "normal_address",
    "normal_message_id",
    "open_token",
    "parse",
    "parse_event",
    "parse_receipt",
    "parse_with_parts",
    "read_invites",
    "reply_address",
    "reply_subject",
    "route",
    "shop_address",
    "shop_name",
    "tagged_shop",
    "takes_no_answers",
    "written_code",
]
