"""What stands in the forms at the end of a thread when its page is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cplus.commands.conversations import answering
from cplus.commands.conversations.answering import Conversations
from cplus.commands.conversations.attaching import kept_of
from cplus.commands.conversations.refused import refused_text
from cplus.events.files import StoredFile
from cplus.web.kit.upload_tokens import Offered
from cplus.web.merchant.conversations.drafting import NO_DRAFT, TAKEN_BACK, Drafting, Standing
from cplus.web.merchant.conversations.inserting import NOT_INSERTED, Inserted
from cplus.workspace.drafts import Draft, Place


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in the form for a reply."""

    text: str = ""
    cc: str | None = None
    """None for who gets copies by default."""
    bcc: str = ""
    at: str = ""
    """When it is to be sent later, as browsers write a time without its zone."""
    reason: str = ""
    """Why it was not sent."""
    meanwhile: str = ""
    """The first message that others wrote since the merchant looked, for which it was held."""
    key: str = ""
    """That of the form; empty for a new one."""
    to: str = ""
    """The address that it says it goes to; empty for where replies go."""
    again: str = ""
    """The reply that was taken back and is written again here."""
    kept: Sequence[StoredFile] = ()
    """Those of its files that go with it again."""
    uploads: Sequence[Offered] = ()
    """Files that were sent before the form, and need not be sent again."""
    inserted: Inserted = NOT_INSERTED
    """What became of a saved reply that was to be put into it."""
    draft: Standing = NO_DRAFT
    """How it stands to what is kept of it."""


NOTHING: Final = Written()


@dataclass(frozen=True, slots=True)
class Note:
    """What stands in the form for a note."""

    text: str = ""
    reason: str = ""
    """Why it was not saved."""
    key: str = ""
    """That of the form; empty for a new one."""
    draft: Standing = NO_DRAFT
    """How it stands to what is kept of it."""


NO_NOTE: Final = Note()


async def written_again(
    use: Conversations, shop: str, conversation_id: str, message_id: str
) -> Written:
    """A reply that was taken back, or was never sent, to be written again."""
    key = answering.key_of_again(message_id)
    reply = await answering.taken_back(shop, conversation_id, message_id, use=use)
    if reply is None:
        # Or a mail from the merchant's own mailbox that was not sent on.
        text = await refused_text(shop, conversation_id, message_id, use=use)
        return Written(text, key=key, draft=TAKEN_BACK) if text else NOTHING
    cc, bcc = ", ".join(reply.cc or ()), ", ".join(reply.bcc or ())
    kept = reply.files or ()
    return Written(reply.text, cc, bcc, key=key, again=message_id, kept=kept, draft=TAKEN_BACK)


async def kept_again(
    use: Conversations, shop: str, conversation_id: str, fields: Mapping[str, str]
) -> Sequence[StoredFile]:
    """The files of a reply that was taken back which its form keeps."""
    again = fields.get("again", "")
    taken = await answering.taken_back(shop, conversation_id, again, use=use) if again else None
    return kept_of(taken, [name[5:] for name in fields if name.startswith("keep-")])


async def with_drafts(
    drafting: Drafting, use: Conversations, conversation_id: str, written: Written, note: Note
) -> tuple[Written, Note]:
    """What stands in the two forms, with what was kept of them before."""
    of_reply, of_note = Place("reply", conversation_id), Place("note", conversation_id)
    found = await drafting.among(of_reply, of_note)
    if (draft := found.get(of_reply)) and (
        written.draft is NO_DRAFT or written.draft is TAKEN_BACK
    ):
        written = await _taken_up(drafting, use, conversation_id, written, draft)
    if (draft := found.get(of_note)) and note is NO_NOTE:
        note = Note(draft.fields.get("text", ""), key=draft.key, draft=drafting.opened(draft)[1])
    return written, note


async def _taken_up(
    drafting: Drafting, use: Conversations, conversation_id: str, written: Written, draft: Draft
) -> Written:
    """The draft of a reply; below one that was taken back, as one text with it."""
    uploads, standing = drafting.opened(draft)
    told = draft.fields
    if written.text and draft.key != written.key:
        text = f"{written.text}\n\n{told.get('text', '')}".rstrip()
        return replace(written, text=text, draft=standing._replace(unsaved=True))
    return Written(
        told.get("text", ""),
        told.get("cc", ""),
        told.get("bcc", ""),
        told.get("at", ""),
        key=draft.key,
        again=told.get("again", ""),
        kept=await kept_again(use, drafting.me.shop, conversation_id, told),
        uploads=uploads,
        draft=standing,
    )
