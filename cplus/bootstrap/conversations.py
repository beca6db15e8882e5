"""Parts that act on conversations."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from cplus.bootstrap.sending import SendingParts
from cplus.leases import Leases

if TYPE_CHECKING:
    from cplus.commands.conversations.answering import Conversations
    from cplus.commands.conversations.beginning import Beginning
    from cplus.commands.conversations.failed import FailedReplies
    from cplus.commands.conversations.withdrawing import Withdrawals
    from cplus.consumers.mail.message_files import MessageFiles
    from cplus.consumers.mail.stored_mail import StoredMails


class ConversationParts(SendingParts):
    """What merchants do with conversations, and their files."""

    @cached_property
    def conversations(self) -> Conversations:
        """What a merchant does with conversations."""
        from cplus.commands.conversations.answering import Conversations

        domain = self.settings.mail_domain
        files = self.files if self.settings.mail_bucket else None
        return Conversations(self.recorder, self.clock, domain, files)

    @cached_property
    def beginning(self) -> Beginning:
        """Begins conversations that a merchant wants."""
        from cplus.commands.conversations.beginning import Beginning

        return Beginning(self.conversations, self.persons)

    @cached_property
    def withdrawals(self) -> Withdrawals:
        """Takes replies back that wait to be sent."""
        from cplus.commands.conversations.withdrawing import Withdrawals

        return Withdrawals(self.recorder, Leases(self.mongo.database), self.clock)

    @cached_property
    def failed_replies(self) -> FailedReplies:
        """What a merchant does about replies that did not arrive."""
        from cplus.commands.conversations.failed import FailedReplies

        return FailedReplies(self.recorder, self.persons, self.clock)

    @cached_property
    def message_files(self) -> MessageFiles:
        """Gets the files of messages."""
        from cplus.commands.files import Files
        from cplus.consumers.mail.message_files import MessageFiles

        return MessageFiles(self.stored_mails, Files(self.mails))

    @cached_property
    def stored_mails(self) -> StoredMails:
        """Reads mail again."""
        from cplus.consumers.batches.room import Room
        from cplus.consumers.mail.stored_mail import READ_LIMIT, StoredMails

        bucket, room = self.settings.mail_bucket, Room(2 * READ_LIMIT)
        return StoredMails(self.store, self.reader, self.aws, bucket, self.mails, room)
